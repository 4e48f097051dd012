import EventLoops
import InterviewCore
import Ports
import Synchronization
import Testing

/// Decides by the session's id: `ended`, `full`, `unknown`, `elsewhere` are refused, `slow…` waits for `decide()`,
/// `relay-PORT…` is run by the process at that port, which says so, `ring-PORT…` as well, but it does not say so; all
/// others are welcome, each on the next loop.
final class ScriptedAdmission: Admission {
    struct Asked: Sendable, Equatable {
        var claims: TokenClaims
        var purpose: Knock.Purpose
    }

    let loops: [EventLoop]
    private let state = Mutex(State())
    private let sessions = AsyncStream<FakeSession>.makeStream()
    private let questions = AsyncStream<Asked>.makeStream()

    private struct State {
        var next = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    init(loops: [EventLoop]) { self.loops = loops }

    func admit(_ knock: Knock) async -> AdmissionAnswer {
        let claims = knock.claims
        if claims.session.text.hasPrefix("slow") {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiting.append(continuation) }
                questions.continuation.yield(Asked(claims: claims, purpose: knock.purpose))
            }
        } else {
            questions.continuation.yield(Asked(claims: claims, purpose: knock.purpose))
        }
        switch claims.session.text {
        case "unknown": return .refused(Refusal(status: 404, code: "unknown_session", message: "No such session."))
        case "ended": return .refused(Refusal(status: 410, code: "ended", message: "Over."))
        case "full":
            return .refused(Refusal(status: 503, code: "full", message: "Full.", retryAfterSeconds: 7))
        case "elsewhere":
            return .refused(Refusal(status: 421, code: "not_mine", message: "Another process runs it."))
        default: break
        }
        let parts = claims.session.text.split(separator: "-")
        if parts.count > 1, parts[0] == "ring" || (parts[0] == "relay" && knock.purpose == .join) {
            return .relay(address: "127.0.0.1:\(parts[1])")
        }
        let loop = state.withLock { state in
            defer { state.next += 1 }
            return loops[state.next % loops.count]
        }
        let session = FakeSession(loop: loop)
        sessions.continuation.yield(session)
        return .welcome(loop: loop, seat: session)
    }

    /// Lets the slow ones go on.
    func decide() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func nextSession() async -> FakeSession {
        for await session in sessions.stream { return session }
        fatalError("the stream never ends")
    }

    func nextQuestion() async -> Asked {
        for await question in questions.stream { return question }
        fatalError("the stream never ends")
    }
}

/// The session's side of a connection: takes the seat, tells what it hears.
final class FakeSession: TransportSeat, TransportEvents, Sendable {
    enum Event: Sendable, Equatable {
        case took(Hello)
        case abandoned
        case message(ParticipantMessage)
        case audio(AudioFrameHeader, [UInt8])
        case ended(TransportEnd)
    }

    let loop: EventLoop
    private let events = AsyncStream<Event>.makeStream()
    private let transport = Mutex<(any ParticipantTransport)?>(nil)
    private let calledElsewhere = Mutex(false)

    init(loop: EventLoop) { self.loop = loop }

    var wasCalledElsewhere: Bool { calledElsewhere.withLock { $0 } }

    func next() async -> Event? {
        for await event in events.stream { return event }
        return nil
    }

    /// Everything up to and with the end.
    func story() async -> [Event] {
        var story: [Event] = []
        for await event in events.stream {
            story.append(event)
            if case .ended = event { break }
        }
        return story
    }

    /// Does something with the transport, on the loop.
    func with<Result: Sendable>(_ body: @escaping @Sendable (any ParticipantTransport) -> Result) async -> Result? {
        await withCheckedContinuation { continuation in
            loop.post {
                let transport = self.transport.withLock { $0 }
                continuation.resume(returning: transport.map { body($0) })
            }
        }
    }

    private func note(_ event: Event) {
        if !loop.isCurrent { calledElsewhere.withLock { $0 = true } }
        events.continuation.yield(event)
    }

    func take(
        _ transport: any ParticipantTransport, hello: Hello, claims: TokenClaims
    ) -> (any TransportEvents)? {
        self.transport.withLock { $0 = transport }
        note(.took(hello))
        return self
    }

    func abandon(_ end: TransportEnd) { note(.abandoned) }

    func transport(_ transport: any ParticipantTransport, received message: ParticipantMessage) {
        note(.message(message))
    }

    func transport(
        _ transport: any ParticipantTransport, heard header: AudioFrameHeader, payload: UnsafeRawBufferPointer
    ) {
        note(.audio(header, Array(payload)))
    }

    func transport(_ transport: any ParticipantTransport, ended end: TransportEnd) { note(.ended(end)) }
}
