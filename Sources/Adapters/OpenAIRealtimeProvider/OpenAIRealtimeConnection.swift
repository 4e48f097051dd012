import EventLoops
import InterviewCore
import Ports
import WebSockets
import WireFormats

/// One socket to the provider and the conversation on it. `OpenAIConversation` decides; this sends, reports and times.
///
/// `@unchecked Sendable`: after `init` every member is touched on `loop` only. The session calls it there, the socket
/// and the timers call it there, and the one thing that happens elsewhere, resolving the host, comes back by `post`.
package final class OpenAIRealtimeConnection: ProviderConnection, @unchecked Sendable {
    /// Samples in one append: a second. Longer ones are sent in pieces.
    package static let samplesPerAppend = 24_000
    /// Addresses of one host that are tried.
    package static let maxAddresses = 4

    enum Life {
        /// Not started, resolving, or between two addresses.
        case starting
        /// `socket` is there once `connect` has returned.
        case connecting
        case open
        /// Closed by us, or failed. Nothing is reported any more.
        case over
    }

    let loop: any SessionLoop
    let context: WebSocketContext?
    let settings: OpenAIRealtimeSettings
    let profile: TurnDetectionProfile
    let endpoint: OpenAIEndpoint
    let resolver: HostResolver
    let counters: OpenAIRealtimeCounters
    private let probe: (any FramePathProbe)?

    /// Nil before a session has it, and once nothing may be reported any more.
    private var events: (any ProviderEvents)?
    /// Nil before a session has it.
    private(set) var setup: ProviderSetup?
    /// Who keeps it until a session takes it.
    private weak var pool: WarmPool?
    /// It was there before its session came, to whom it is not `ready` yet.
    private var isUntried = false
    private var untriedTimer: LoopTimer?
    /// The server's first word, said before there was a session to hear it.
    private var greeting: OpenAIServerEvent?
    /// When the server's time for this session began to run.
    private(set) var begunAt: Duration?
    var life = Life.starting
    var socket: WebSocket?
    var addresses: [String] = []
    var attempt = 0
    var conversation: OpenAIConversation?
    /// `conversation.isTalking`, without reaching into a large value for every frame.
    private var isTalking = false
    var readyTimer: LoopTimer?
    var expiryTimer: LoopTimer?
    private var deltas = PCMDeltas()
    private var itemID = RepeatedID()
    private var responseID = RepeatedID()

    init(
        loop: any SessionLoop, context: WebSocketContext?, settings: OpenAIRealtimeSettings,
        profile: TurnDetectionProfile, endpoint: OpenAIEndpoint, resolver: HostResolver,
        counters: OpenAIRealtimeCounters
    ) {
        self.loop = loop
        self.context = context
        self.settings = settings
        self.profile = profile
        self.endpoint = endpoint
        self.resolver = resolver
        self.counters = counters
        probe = loop.framePathProbe
    }

    // MARK: Beginning

    /// Connects for a session.
    func open(setup: ProviderSetup, events: any ProviderEvents) {
        self.setup = setup
        self.events = events
        startSoon()
    }

    /// Connects for whoever will need it: `pool` hears when the server has greeted it, and when it is of no use.
    func warmUp(for pool: WarmPool) {
        self.pool = pool
        startSoon()
    }

    /// A session has it, although it was opened before. Should it be of no use, another is opened without a word.
    func take(setup: ProviderSetup, events: any ProviderEvents) {
        pool = nil
        self.setup = setup
        self.events = events
        isUntried = true
        awaitReady()
        untriedTimer = loop.schedule(at: loop.now + Self.answersWithin) { [self] in
            untriedTimer = nil
            openAnew()
        }
        _ = loop.schedule(at: loop.now) { [self] in
            guard isUntried else { return }
            guard life == .open else { return openAnew() }
            if prepare(), let greeting { receive(greeting) }
        }
    }

    /// A connection that was kept ready has so long to say something to its configuration.
    static let answersWithin: Duration = .seconds(2)

    private func tried() {
        isUntried = false
        saidSomething()
    }

    private func saidSomething() {
        if let untriedTimer { loop.cancel(untriedTimer) }
        untriedTimer = nil
    }

    /// The one kept ready was of no use: its session gets a fresh one in its place.
    private func openAnew() {
        tried()
        counters.prewarmFailed()
        let useless = socket
        socket = nil
        useless?.handOver(to: Nobody.shared)
        useless?.abort()
        conversation = nil
        isTalking = false
        addresses = []
        begunAt = nil
        if let expiryTimer { loop.cancel(expiryTimer) }
        expiryTimer = nil
        life = .starting
        startSoon()
    }

    // MARK: The session

    @discardableResult
    package func appendAudio(_ samples: UnsafeBufferPointer<Int16>) -> Bool {
        guard life == .open, isTalking, let socket else { return false }
        // A provider that does not read fills the socket's own queue, whose limit ends it as `send_queue`.
        var rest = samples[...]
        while !rest.isEmpty {
            let piece = UnsafeBufferPointer(rebasing: rest.prefix(Self.samplesPerAppend))
            rest = rest.dropFirst(piece.count)
            socket.send(.text, capacity: OpenAIAudioAppend.byteCount(samples: piece.count)) { buffer in
                OpenAIAudioAppend.encode(piece, into: buffer)
            }
        }
        probe?.passed(.providerOut, loop: loop.index)
        return true
    }

    package func requestAnswer(instructions: String?) {
        wish { $0.answerRequested(instructions: instructions) }
    }

    package func cancelAnswer() {
        wish { $0.answerCancelled() }
    }

    package func truncate(item: String, heard: Duration) {
        wish { $0.truncated(item: item, heard: heard) }
    }

    package func answerTool(call: String, output: String, thenSpeak: Bool) {
        wish { $0.toolAnswered(call: call, output: output, thenSpeak: thenSpeak) }
    }

    package func ping(within time: Duration) {
        if life == .open { socket?.ping(within: time) }
    }

    package func close() {
        guard life != .over else { return }
        end(closing: 1000)
    }

    /// Before `ready` there is nothing to wish for.
    private func wish(_ decide: (inout OpenAIConversation) -> [OpenAIConversation.Step]) {
        guard life == .open, isTalking, let steps = decided(decide) else { return }
        perform(steps)
    }

    /// Nil when there is no conversation. Taken out for the call, so that its texts grow in place.
    private func decided(
        _ decide: (inout OpenAIConversation) -> [OpenAIConversation.Step]
    ) -> [OpenAIConversation.Step]? {
        guard var taken = conversation.take() else { return nil }
        let steps = decide(&taken)
        isTalking = taken.isTalking
        conversation = taken
        return steps
    }

    // MARK: Steps

    func perform(_ steps: [OpenAIConversation.Step]) {
        for step in steps {
            // A report may have made the session close this connection.
            guard life == .open else { return }
            switch step {
            case .send(let event, let id):
                let bytes = event.encoded(id: id)
                bytes.withUnsafeBytes { socket?.send(.text, $0) }
            case .report(let event):
                if event == .ready {
                    tried()
                    if let readyTimer { loop.cancel(readyTimer) }
                    readyTimer = nil
                }
                events?.provider(self, did: event)
            case .began:
                scheduleGoingAway()
            case .fail(let failure):
                fail(failure)
            }
        }
    }

    /// Reports the failure, once and last, and lets go of the socket.
    func fail(_ failure: ProviderFailure) {
        guard life != .over else { return }
        if isUntried { return openAnew() }
        let (events, pool) = (events, pool)
        end(closing: 1000)
        pool?.died(self)
        events?.provider(self, did: .failed(failure))
    }

    private func end(closing code: UInt16) {
        life = .over
        events = nil
        pool = nil
        tried()
        conversation = nil
        isTalking = false
        for timer in [readyTimer, expiryTimer].compactMap(\.self) { loop.cancel(timer) }
        readyTimer = nil
        expiryTimer = nil
        let socket = socket
        self.socket = nil
        guard let socket else { return }
        if socket.isOpen { socket.close(code: code, reason: "") } else { socket.abort() }
    }

    // MARK: Sound

    /// The hot path: reads the sound out of the message and hands it on.
    private func spoke(_ delta: OpenAIAudioDelta, in message: UnsafeRawBufferPointer) {
        guard isTalking else { return }
        probe?.passed(.providerIn, loop: loop.index)
        let lastItem = itemID.text
        guard itemID.read(UnsafeRawBufferPointer(rebasing: message[delta.item])),
            responseID.read(UnsafeRawBufferPointer(rebasing: message[delta.response]))
        else { return fail(OpenAIFailures.malformed(.badBody(type: "response.output_audio.delta"))) }
        if itemID.text != lastItem { deltas.startItem() }
        guard conversation?.isSilenced(item: itemID.text, response: responseID.text) == false else { return }
        do throws(OpenAIWireError) {
            let samples = try deltas.decode(UnsafeRawBufferPointer(rebasing: message[delta.sound]))
            guard !samples.isEmpty else { return }
            events?.provider(self, spoke: samples, item: itemID.text, response: responseID.text)
        } catch {
            fail(OpenAIFailures.malformed(error))
        }
    }
}

// MARK: The socket

extension OpenAIRealtimeConnection: WebSocketHandler {
    package func webSocketOpened(_ socket: WebSocket) {
        guard life == .connecting else { return }
        self.socket = socket
        life = .open
    }

    package func webSocket(_ socket: WebSocket, received bytes: UnsafeRawBufferPointer, kind: MessageKind) {
        guard life == .open else { return }
        let event: OpenAIServerEvent
        do throws(OpenAIWireError) {
            event = try OpenAIServerEvent.decode(bytes)
        } catch {
            return fail(OpenAIFailures.malformed(error))
        }
        if case .audioDelta(let delta) = event { return spoke(delta, in: bytes) }
        if case .unknown = event { counters.sawUnknownEvent() }
        guard setup != nil else { return warmReceived(event) }
        guard conversation != nil else { return }
        saidSomething()
        receive(event)
    }

    private func receive(_ event: OpenAIServerEvent) {
        guard let steps = decided({ $0.received(event) }) else { return }
        perform(steps)
    }

    /// Nobody has it yet.
    private func warmReceived(_ event: OpenAIServerEvent) {
        switch event {
        case .sessionCreated:
            greeting = event
            begunAt = loop.now
            if let readyTimer { loop.cancel(readyTimer) }
            readyTimer = nil
            pool?.opened(self)
        case .error(let error): fail(OpenAIFailures.ended(by: error))
        default: break
        }
    }

    package func webSocket(_ socket: WebSocket, ended end: WebSocketEnd) {
        switch life {
        case .over, .starting:
            return
        case .connecting:
            self.socket = nil
            attemptEnded(end)
        case .open:
            self.socket = nil
            fail(OpenAIFailures.ended(end, complaint: conversation?.reason(forClosing: end)))
        }
    }
}

/// Hears the end of a socket that nobody needs any more.
private final class Nobody: WebSocketHandler {
    static let shared = Nobody()
    func webSocketOpened(_ socket: WebSocket) {}
    func webSocket(_ socket: WebSocket, received bytes: UnsafeRawBufferPointer, kind: MessageKind) {}
    func webSocket(_ socket: WebSocket, ended end: WebSocketEnd) {}
}
