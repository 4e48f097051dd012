import EventLoops
import InterviewCore
import Opus
import Ports
import WebSockets
import WireFormats

/// One conversation in its least form: decode, append; delta, encode, send one frame each 20 ms. No actor, no journal, no
/// recording, no concealment, no limits; what it reads from its peers is trusted, because both belong to the bench.
///
/// `@unchecked Sendable`: everything happens on the context's loop. The sockets hold it until they end.
final class FloorSession: WebSocketHandler, LoopTicker, @unchecked Sendable {
    private static let frame = 480
    private static let frameLength = Duration.milliseconds(20)
    /// A tick that comes a little early is still the frame's own.
    private static let tolerance = Duration.milliseconds(5)
    private static let beatAfter = Duration.milliseconds(900)
    private static let leave = Array(#"{"type":"leave"}"#.utf8)

    private let context: WebSocketContext
    private let target: WebSocketTarget
    private var participant: WebSocket?
    private var provider: WebSocket?
    private var isGreeted = false
    private var providerIsReady = false

    private var decoder: OpusDecoder
    private var encoder: OpusEncoder
    private var deltas = PCMDeltas()
    private let heard = UnsafeMutableBufferPointer<Int16>.allocate(capacity: 5_760)
    /// Agent speech from `spokenTo` on is still to be sent.
    private var speech: [Int16] = []
    private var spokenTo = 0
    private var items = 0
    private var isAnnounced = true
    private var sequence: UInt16 = 0
    private var timestamp: UInt32 = 0
    private var nextFrame: Duration?
    private var lastSent: Duration = .zero

    init(context: WebSocketContext, target: WebSocketTarget) throws {
        self.context = context
        self.target = target
        decoder = try OpusDecoder(rate: 24_000)
        encoder = try OpusEncoder(rate: 24_000)
    }

    deinit { heard.deallocate() }

    // MARK: Sockets

    func webSocketOpened(_ socket: WebSocket) {
        guard participant == nil else { return }
        participant = socket
        provider = try? context.connect(target, handler: self)
    }

    func webSocket(_ socket: WebSocket, received bytes: UnsafeRawBufferPointer, kind: MessageKind) {
        if socket === participant {
            if kind == .binary { heard(bytes) } else { said(bytes) }
        } else if let event = try? OpenAIServerEvent.decode(bytes) {
            happened(event, bytes)
        }
    }

    func webSocket(_ socket: WebSocket, ended end: WebSocketEnd) {
        context.loop.stopTicking(self)
        provider?.close(code: 1000, reason: "")
        participant?.close(code: 1000, reason: "")
        provider = nil
        participant = nil
    }

    // MARK: The participant

    private func heard(_ bytes: UnsafeRawBufferPointer) {
        guard let (_, payload) = try? AudioFrame.decode(bytes), let count = try? decoder.decode(payload, into: heard),
            providerIsReady
        else { return }
        let samples = UnsafeBufferPointer(rebasing: heard[..<count])
        provider?.send(.text, capacity: OpenAIAudioAppend.byteCount(samples: count)) {
            OpenAIAudioAppend.encode(samples, into: $0)
        }
    }

    private func said(_ bytes: UnsafeRawBufferPointer) {
        if bytes.elementsEqual(Self.leave) {
            say(.bye(reason: "participant_left", rejoinInMilliseconds: nil))
            participant?.close(code: 1000, reason: "")
        } else if !isGreeted, let session = SessionID("floor") {
            isGreeted = true
            say(
                .welcome(
                    Welcome(
                        session: session, resumed: false, rejoinToken: "floor", phase: "main", language: "en",
                        endsInMilliseconds: 3_600_000, rejoinMilliseconds: 120_000)))
            lastSent = context.loop.now
            context.loop.startTicking(self)
        }
    }

    private func say(_ message: AgentMessage) {
        ParticipantCodec.encode(message).withUnsafeBytes { participant?.send(.text, $0) }
    }

    // MARK: The provider

    private func happened(_ event: OpenAIServerEvent, _ message: UnsafeRawBufferPointer) {
        switch event {
        case .sessionCreated:
            tell(
                .sessionUpdate(
                    OpenAISession(
                        instructions: "Talk.", transcription: OpenAITranscription(model: "gpt-4o-mini-transcribe"),
                        voice: "marin")))
        case .sessionUpdated:
            providerIsReady = true
            tell(.responseCreate(instructions: "Greet."))
        case .responseCreated:
            deltas.startItem()
            isAnnounced = false
        case .audioDelta(let delta):
            guard let samples = try? deltas.decode(UnsafeRawBufferPointer(rebasing: message[delta.sound])) else {
                return
            }
            if spokenTo == speech.count {
                speech.removeAll(keepingCapacity: true)
                spokenTo = 0
            }
            speech.append(contentsOf: samples)
        case .audioDone:
            let rest = (speech.count - spokenTo) % Self.frame
            if rest > 0 { speech.append(contentsOf: repeatElement(0, count: Self.frame - rest)) }
        case .speechStarted:
            speech.removeAll(keepingCapacity: true)
            spokenTo = 0
        default: break
        }
    }

    private func tell(_ event: OpenAIClientEvent) {
        event.encoded().withUnsafeBytes { provider?.send(.text, $0) }
    }

    // MARK: Time

    func tick(at now: Duration) {
        while speech.count - spokenTo >= Self.frame, (nextFrame ?? now) <= now + Self.tolerance {
            nextFrame = (nextFrame ?? now) + Self.frameLength
            sendFrame()
            lastSent = now
        }
        if let nextFrame, nextFrame < now { self.nextFrame = nil }
        if now - lastSent > Self.beatAfter {
            say(.beat)
            lastSent = now
        }
    }

    private func sendFrame() {
        if !isAnnounced {
            isAnnounced = true
            items += 1
            encoder.reset()
            say(.item(id: "floor-\(items)", startTimestamp: timestamp))
        }
        let header = AudioFrameHeader(format: .opus, sequence: sequence, timestamp: timestamp)
        participant?.send(.binary, capacity: AudioFrame.headerBytes + OpusEncoder.longestPacket) { buffer in
            AudioFrame.encodeHeader(header, into: buffer)
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[AudioFrame.headerBytes...])
            let count = speech.withUnsafeBufferPointer { speech in
                try? encoder.encode(
                    UnsafeBufferPointer(rebasing: speech[spokenTo..<(spokenTo + Self.frame)]), into: room)
            }
            return count.map { $0 + AudioFrame.headerBytes } ?? 0
        }
        spokenTo += Self.frame
        sequence &+= 1
        timestamp &+= 960
    }
}
