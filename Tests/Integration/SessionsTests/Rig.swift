import Foundation
import InterviewCore
import LocalDisk
import Logging
import OpusCodecs
import Ports
import SQLiteStore
import SessionTokens
import Sessions
import Synchronization
import TestKit
import Testing

/// A supervisor with a real store, real codecs and tokens, on a loop whose time the test moves; provider and
/// participant are narrated.
struct Rig {
    static let rate = 24_000
    static let here = InstanceID("here")
    /// Long enough for a busy machine, short enough for a test.
    static let leaseTimes = LeaseTimes(
        renewal: .milliseconds(200), lease: .seconds(8), lateness: .seconds(3), steady: .milliseconds(300),
        remembered: .seconds(3_600))
    let loop = ManualLoop()
    let provider = NarratingProvider()
    let recorders = NarratingRecorders()
    let store: GRDBStore
    let tokens: JWTTokenAuthority
    let metrics = MetricsRegistry()
    let pressure = Pressure()
    let owners = ScriptedOwners()
    let stateFolder = FileManager.default.temporaryDirectory.appending(path: "voiced-rig-\(UUID())").path()
    /// What the conversations write through; the test can take it away.
    let switched: SwitchedStore
    let supervisor: SessionSupervisor
    let study: Study

    init(
        limits: SessionLimits = SessionLimits(), drainTimeout: Duration = .seconds(300), capacity: Int = 10,
        start: Bool = true, budgetMicros: Int64? = nil,
        log: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) async throws {
        var options = try GRDBStore.Options.temporary()
        options.leaseTimes = Self.leaseTimes
        store = try await GRDBStore.open(options, logger: log)
        switched = SwitchedStore(store)
        tokens = await JWTTokenAuthority(try TokenSecrets([Array(repeating: 7, count: 32)]))
        var study = Study(
            id: try #require(StudyID("demo")), name: "Demo", language: "en", instructions: "Be kind.",
            greeting: "Hello there.")
        study.limits = limits
        study.budgetMicros = budgetMicros
        self.study = study
        try await store.save(study)
        let price = Price(
            textIn: 1_000_000, cachedTextIn: 0, audioIn: 0, cachedAudioIn: 0, imageIn: 0, cachedImageIn: 0,
            textOut: 0, audioOut: 0, perMinute: 0)
        let services = SessionServices(
            store: switched, tokens: tokens, codecs: OpusAudioCodecs(), provider: provider, recorders: recorders,
            prices: PriceBook(["fake-model": price, "fake-transcriber": price]), metrics: metrics,
            spool: SpoolSettling(
                spool: SpoolFile(folder: stateFolder, instance: Self.here), store: switched, metrics: metrics,
                log: log), owners: owners, leaseClock: { .nanoseconds(DispatchTime.now().uptimeNanoseconds) },
            loopTiming: { [pressure] _ in pressure.timing }, memoryShare: { [pressure] in pressure.memoryShare })
        supervisor = SessionSupervisor(
            settings: SupervisorSettings(
                instance: Self.here, build: "test", seats: SeatPolicy(seatsPerLoop: capacity),
                drainTimeout: drainTimeout, reapInterval: .milliseconds(50), leaseTimes: Self.leaseTimes),
            services: services, loops: [loop], log: log)
        if start { await supervisor.start(mediaAddress: "127.0.0.1:1") }
    }

    /// A scheduled session and the claims of its join link.
    func session(_ name: String = "s1") async throws -> TokenClaims {
        let id = try #require(SessionID(name))
        _ = try await store.create(
            NewSession(id: id, study: study.id, participant: "p", expiresIn: .seconds(3_600)))
        return TokenClaims(participant: "p", session: id, scope: .join)
    }

    /// Another process of the installation.
    @discardableResult
    func register(_ name: String) async throws -> InstanceID {
        let id = InstanceID(name)
        _ = try await store.register(
            NewInstance(id: id, build: "test", mediaAddress: "127.0.0.1:2", mediaURL: nil, capacity: 10))
        return id
    }

    static func hello(_ client: String = "page-1", up: AudioFormat = .opus, resume: Hello.Resume? = nil) -> Hello {
        Hello(up: up, down: .opus, client: client, agent: "test", resume: resume)
    }

    /// Knocks, sits down and says hello; does not wait for the welcome.
    func join(_ claims: TokenClaims, _ hello: Hello = Rig.hello()) async throws -> NarratingTransport {
        guard case .welcome(_, let seat) = await supervisor.admit(claims, probing: false) else {
            throw RigError.refused
        }
        let transport = NarratingTransport(loop: loop)
        await loop.run { transport.join(seat, hello: hello, claims: claims) }
        return transport
    }

    /// Joined, welcomed, provider ready, greeting asked for.
    func call(_ claims: TokenClaims, _ hello: Hello = Rig.hello()) async throws -> (NarratingTransport, Line) {
        let transport = try await join(claims, hello)
        _ = await transport.welcome()
        let connection = try #require(provider.latest)
        await loop.run { connection.says(.ready) }
        return (transport, Line(loop: loop, connection: connection))
    }

    func row(_ claims: TokenClaims) async throws -> SessionRecord {
        try #require(try await store.session(claims.session))
    }

    func turns(_ claims: TokenClaims) async throws -> [Turn] {
        try await store.journal(of: claims.session).compactMap { record in
            if case .turn(let turn) = record.entry { turn } else { nil }
        }
    }
}

/// What is measured of loops and memory, as a test wants it.
final class Pressure: Sendable {
    private let state = Mutex((timing: SeatPolicy.LoopTiming(), memoryShare: Double?.none))

    var timing: SeatPolicy.LoopTiming {
        get { state.withLock { $0.timing } }
        set { state.withLock { $0.timing = newValue } }
    }
    var memoryShare: Double? {
        get { state.withLock { $0.memoryShare } }
        set { state.withLock { $0.memoryShare = newValue } }
    }
}

enum RigError: Error { case refused }

/// What the provider says, as whole answers.
struct Line {
    let loop: ManualLoop
    let connection: NarratingProvider.Connection

    func says(_ events: ProviderEvent...) async {
        await loop.run { for event in events { connection.says(event) } }
    }

    /// An answer whose sound arrives all at once.
    func answers(_ text: String, item: String, response: String, milliseconds: Int, finished: Bool = true) async {
        await says(.answerStarted(response: response), .agentItemStarted(item: item, response: response))
        await loop.run {
            connection.speaks(
                Array(repeating: 1_000, count: Rig.rate * milliseconds / 1_000), item: item, response: response)
        }
        await says(.agentTranscript(item: item, text: text, final: true), .agentAudioFinished(item: item))
        if finished { await says(.answerFinished(response: response, outcome: .completed, usage: nil)) }
    }

    func hears(_ text: String, item: String, from start: Int = 0, to end: Int = 100) async {
        await says(
            .speechStarted(item: item, audioStartMilliseconds: start),
            .speechStopped(item: item, audioEndMilliseconds: end), .inputCommitted(item: item),
            .participantTranscript(item: item, text: text, final: true))
    }
}

extension NarratingTransport {
    func welcome() async -> Welcome? {
        let line = await story.line {
            if case .message(.welcome) = $0 { true } else { false }
        }
        if case .message(.welcome(let welcome)) = line { return welcome }
        return nil
    }

    var audioFrames: Int {
        story.lines.count { if case .audio = $0 { true } else { false } }
    }
}

extension SessionSupervisor {
    func admit(_ claims: TokenClaims, probing: Bool) async -> AdmissionAnswer {
        await admit(Knock(claims: claims, token: "token", purpose: probing ? .probe : .join))
    }
}

/// Other processes, as a test wants them.
final class ScriptedOwners: OwnerInquiry {
    private let state = Mutex((answer: OwnerAnswer.silent, asked: [String]()))

    var answer: OwnerAnswer {
        get { state.withLock { $0.answer } }
        set { state.withLock { $0.answer = newValue } }
    }
    /// Addresses, in order.
    var asked: [String] { state.withLock { $0.asked } }

    func ask(address: String, session: SessionID, token: String, patience: Duration) async -> OwnerAnswer {
        state.withLock { state in
            state.asked.append(address)
            return state.answer
        }
    }
}
