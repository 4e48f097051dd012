import Foundation
import NIOCore

/// What a session writes to. Called on the session's event loop.
protocol SessionSink: AnyObject {
    /// One text message.
    func send(_ message: ByteBuffer)
    func close(code: UInt16, reason: String)
    /// Ends the connection without a closing handshake.
    func cut()
    /// Keeps the connection and neither sends nor reads on it from now on.
    func freeze()
    /// Reads no faster than this from now on.
    func slow(toBytesPerSecond bytes: Int)
    /// False while the peer is slower than the sound; `RealtimeSession.writable()` tells the end of it.
    var isWritable: Bool { get }
}

/// What all connections of a simulator share.
final class SimulatorContext: Sendable {
    let options: SimulatorOptions
    let log: SimulatorLog
    let phrases: PhraseBook
    let faults: FaultPlan

    init(options: SimulatorOptions, log: SimulatorLog, phrases: PhraseBook, faults: FaultPlan) {
        self.options = options
        self.log = log
        self.phrases = phrases
        self.faults = faults
    }
}

/// The server's side of one conversation. Everything happens on one event loop; the extensions hold the aspects:
/// configuration, input, items, responses.
final class RealtimeSession {
    let context: SimulatorContext
    let loop: any EventLoop
    let number: Int
    weak var sink: (any SessionSink)?

    var identifiers: Identifiers
    let sessionID: String
    let conversationID: String
    let expiresAt: Int
    var configuration: SessionConfiguration
    var conversation: Conversation
    var usage = UsageMeter()

    var input: InputBuffer
    var detector: EnergyDetector?
    /// The item that the turn being spoken will become, and where it begins.
    var speaking: (item: String, from: Int)?
    var idleTimer: Scheduled<Void>?
    let heard: SoundFile?
    var appends = 0

    /// The response that writes to the conversation.
    var active: ResponseRun?
    /// Those beside it.
    var besides: [String: ResponseRun] = [:]
    var audioWasOutput = false
    var expiryTimer: Scheduled<Void>?
    private(set) var isClosed = false
    /// A fault has struck it dumb and deaf.
    private var isSilent = false

    var options: SimulatorOptions { context.options }

    init(context: SimulatorContext, number: Int, model: String, loop: any EventLoop, sink: any SessionSink) {
        self.context = context
        self.loop = loop
        self.number = number
        self.sink = sink
        identifiers = Identifiers(seed: context.options.seed, connection: number)
        sessionID = identifiers.next("sess_")
        conversationID = identifiers.next("conv_")
        expiresAt = Int(Date().timeIntervalSince1970) + Int(context.options.sessionDuration / .seconds(1))
        configuration = SessionConfiguration(model: model)
        conversation = Conversation(retainedAudioBytes: context.options.retainedAudioBytes)
        input = InputBuffer(format: .pcm)
        heard = SoundFile(folder: context.options.audioFolder, name: "heard-\(number).pcm")
        detector = configuration.turnDetection.map { EnergyDetector(rate: input.format.rate, settings: $0) }
    }

    func start() {
        send("session.created", ["session": sessionJSON])
        expiryTimer = after(options.sessionDuration) { $0.expire() }
        _ = suffer(context.faults.fault(at: .opening, on: number))
    }

    var sessionJSON: JSON {
        var object: JSONObject = [
            "object": "realtime.session", "id": .string(sessionID), "expires_at": .integer(expiresAt),
        ]
        object.members += configuration.document.members
        return .object(object)
    }

    // MARK: what arrives

    /// A message from the client.
    func received(_ message: ByteBuffer) {
        guard !isClosed, !isSilent else { return }
        message.withUnsafeReadableBytes { bytes in
            if let append = AppendScanner.scan(bytes) {
                let audio = UnsafeRawBufferPointer(rebasing: bytes[append.audio])
                answer(eventID: append.eventID) { () throws(ClientError) in try self.append(base64: audio) }
            } else {
                parse(bytes.bindMemory(to: UInt8.self))
            }
        }
    }

    private func parse(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let event = try? JSONParser.parse(bytes), event.object != nil else {
            return complain(ClientError("invalid_event", "The event could not be parsed as a JSON object."), nil)
        }
        let eventID = event["event_id"]?.string
        answer(eventID: eventID) { () throws(ClientError) in try self.handle(event) }
    }

    private func answer(eventID: String?, _ work: () throws(ClientError) -> Void) {
        do throws(ClientError) {
            try work()
        } catch {
            complain(error, eventID)
        }
    }

    private func handle(_ event: JSON) throws(ClientError) {
        guard let type = event["type"] else { throw .missing("type") }
        guard let name = type.string, let known = Shape.events[name] else {
            throw .unsupported("type", value: type.string ?? type.text, supported: Shape.events.keys.sorted())
        }
        var members = known.members
        members["type"] = .anything
        members["event_id"] = .string(maximumLength: 512)
        try Shape.object(members, required: known.required).check(event, at: "")
        try perform(name, event)
    }

    private func perform(_ name: String, _ event: JSON) throws(ClientError) {
        switch name {
        case "session.update": try updateSession(event["session"] ?? .null)
        case "input_audio_buffer.append": try append(event["audio"] ?? .null)
        case "input_audio_buffer.commit": try commitByClient()
        case "input_audio_buffer.clear": clearInput()
        case "conversation.item.create": try createItem(event)
        case "conversation.item.retrieve": try retrieveItem(event["item_id"]?.string ?? "")
        case "conversation.item.delete": try deleteItem(event["item_id"]?.string ?? "")
        case "conversation.item.truncate": try truncateItem(event)
        case "response.create": try createResponse(event["response"])
        default: try cancelResponse(event["response_id"]?.string)
        }
    }

    // MARK: what leaves

    func send(_ type: String, _ fields: JSONObject = [:]) {
        var event: JSONObject = ["type": .string(type), "event_id": .string(identifiers.next("event_"))]
        event.members += fields.members
        send(ByteBuffer(bytes: JSON.object(event).bytes))
    }

    func send(_ message: ByteBuffer) {
        guard !isClosed, !isSilent else { return }
        sink?.send(message)
    }

    func complain(_ error: ClientError, _ eventID: String?) {
        record(
            .errorSent,
            [
                "code": .string(error.code), "param": .optional(error.param), "message": .string(error.message),
                "event_id": .optional(eventID),
            ])
        send(
            "error",
            [
                "error": [
                    "type": .string(error.type), "code": .string(error.code), "message": .string(error.message),
                    "param": .optional(error.param), "event_id": .optional(eventID),
                ]
            ])
    }

    func record(_ kind: SimulatorLog.Kind, _ fields: JSONObject = [:]) {
        context.log.record(kind, connection: number, fields)
    }

    // MARK: time and end

    /// Runs `work` on the loop later, unless the session has ended by then.
    func after(_ delay: Duration, _ work: @escaping (RealtimeSession) -> Void) -> Scheduled<Void> {
        loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { [weak self] in
            guard let self, !self.isClosed, !self.isSilent else { return }
            work(self)
        }
    }

    /// The socket takes more again.
    func writable() {
        for run in [active].compactMap({ $0 }) + Array(besides.values) where run.isPaused {
            run.isPaused = false
            step(run)
        }
    }

    func expire() {
        let minutes = Int(options.sessionDuration / .seconds(60))
        let reason = "Your session hit the maximum duration of \(minutes) minutes."
        complain(ClientError("session_expired", reason), nil)
        sink?.close(code: 1_001, reason: reason)
    }

    /// Nothing is said any more, although the connection may stay.
    func stopTalking() {
        isSilent = true
        cancelTimers()
        for run in [active].compactMap({ $0 }) + Array(besides.values) { run.isOver = true }
    }

    private func cancelTimers() {
        for task in [idleTimer, expiryTimer, active?.timer] + besides.values.map(\.timer) { task?.cancel() }
    }

    /// The connection is gone. `code` is what the peer, or we, closed with; nil: none, the socket just ended.
    func ended(code: Int?, by side: String) {
        guard !isClosed else { return }
        isClosed = true
        cancelTimers()
        active?.speech?.file?.close()
        for run in besides.values { run.speech?.file?.close() }
        heard?.close()
        record(
            .closed,
            [
                "code": code.map { .integer($0) } ?? .null, "by": .string(side), "appends": .integer(appends),
                "heard_ms": .integer(input.milliseconds(at: input.position)),
            ])
    }
}
