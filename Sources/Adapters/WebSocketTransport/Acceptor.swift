import EventLoops
import Glibc
import InterviewCore
import Logging
import Ports
import WebSockets
import WireFormats

/// The door: accepts connections, reads the HTTP head under a deadline and a size limit, admits asynchronously, answers
/// refusals by itself, and hands descriptor and head over to the loop that admission named. Lives on a loop of its own,
/// so that a flood at the door delays no conversation.
///
/// libwebsockets could not do this: its handshake cannot wait, it drops long subprotocol lists silently, refuses in
/// HTTP/1.0 and would choose the loop itself.
package actor Acceptor {
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    nonisolated let loop: EventLoop
    let settings: AcceptorSettings
    private let tokens: any TokenAuthority
    private let admission: any Admission
    private let context: @Sendable (Int) -> WebSocketContext?
    private let refused: @Sendable (String) -> Void
    let log: Logger

    private var listener: ListeningSocket?
    private var listening: LoopWatch?
    private var pausedAt: LoopTimer?
    var visitors: [ObjectIdentifier: Visitor] = [:]
    let resolver: HostResolver
    let relayEvent: @Sendable (RelayEvent) -> Void
    /// By the visitor that waits for it.
    var openings: [ObjectIdentifier: OwnerExchange] = [:]
    var relays: [ObjectIdentifier: Splice] = [:]

    /// `context`: of the loop with that index. `observer`: told the code of every refusal that did not come from admission.
    /// `relayObserver`: told what becomes of relays. Both on the loop.
    package init(
        settings: AcceptorSettings, loop: EventLoop, tokens: any TokenAuthority, admission: any Admission,
        context: @escaping @Sendable (Int) -> WebSocketContext?, observer: @escaping @Sendable (String) -> Void,
        relayObserver: @escaping @Sendable (RelayEvent) -> Void = { _ in }, resolver: HostResolver = HostResolver(),
        log: Logger
    ) {
        self.settings = settings
        self.loop = loop
        self.tokens = tokens
        self.admission = admission
        self.context = context
        refused = observer
        relayEvent = relayObserver
        self.resolver = resolver
        self.log = log
    }

    /// Opens the door; the loop must run. Returns the port.
    package func start() throws(AcceptorError) -> Int {
        let listener = try ListeningSocket(host: settings.host, port: settings.port)
        self.listener = listener
        listen()
        return listener.port
    }

    /// Closes the door and whoever waits in it; relayed connections are closed 1012.
    package func stop() {
        if let listening { loop.cancel(listening) }
        if let pausedAt { loop.cancel(pausedAt) }
        listening = nil
        pausedAt = nil
        listener?.close()
        listener = nil
        for visitor in visitors.values { visitor.drop() }
        visitors.removeAll()
        stopRelays()
    }

    /// Connections that have not been seated or sent away yet.
    package var waiting: Int { visitors.count }

    private func listen() {
        guard let listener else { return }
        pausedAt = nil
        listening = loop.watch(descriptor: listener.descriptor, readable: true, writable: false) { [weak self] in
            self?.assumeIsolated { $0.knocked() }
        }
    }

    private func knocked() {
        // A few at a time, so that the heads of earlier ones are read between.
        for _ in 0..<64 {
            switch listener?.accept() {
            case .connection(let descriptor)?: came(descriptor)
            case .noDescriptors?: return pause()
            case .some(.none), nil: return
            }
        }
    }

    private func came(_ descriptor: Int32) {
        let visitor = Visitor(descriptor: descriptor, loop: loop, acceptor: self)
        guard visitors.count < settings.mostWaiting else {
            refused(Refusal.crowded.code)
            return visitor.turnAway(ClosingResponse(.crowded, origin: nil).bytes)
        }
        visitors[ObjectIdentifier(visitor)] = visitor
        visitor.readHead(within: settings.headDeadline)
    }

    /// No descriptors left: the kernel would call us again at once, for ever.
    private func pause() {
        log.error("no descriptors left; the door pauses for 100 ms")
        if let listening { loop.cancel(listening) }
        listening = nil
        pausedAt = loop.schedule(at: loop.now + .milliseconds(100)) { [weak self] in
            self?.assumeIsolated { $0.listen() }
        }
    }

    // MARK: What a visitor tells

    func visitorCame(_ visitor: Visitor, _ head: RequestHead, rest: [UInt8]) {
        switch JoinRequest.read(head, settings: settings) {
        case .refuse(let refusal, let origin): refuse(visitor, refusal, origin: origin)
        case .preflight(let origin): answer(visitor, ClosingResponse.preflight.readable(by: origin))
        case .ask(let request):
            visitor.awaitDecision(within: settings.admissionDeadline) { [weak self] visitor in
                self?.assumeIsolated { $0.refuse(visitor, .slowAdmission, origin: request.origin) }
            }
            Task { await self.ask(visitor, request, head, rest) }
        }
    }

    func visitorFailed(_ visitor: Visitor, _ refusal: Refusal) { refuse(visitor, refusal, origin: nil) }

    func visitorGone(_ visitor: Visitor) {
        visitors[ObjectIdentifier(visitor)] = nil
        openings.removeValue(forKey: ObjectIdentifier(visitor))?.cancel()
    }

    // MARK: Deciding

    private func ask(_ visitor: Visitor, _ request: JoinRequest, _ head: RequestHead, _ rest: [UInt8]) async {
        let claims: TokenClaims
        do { claims = try await tokens.verify(request.token) } catch {
            return refuse(visitor, .token, origin: request.origin)
        }
        guard claims.session == request.session else { return refuse(visitor, .token, origin: request.origin) }
        let verdict = await admission.admit(Knock(claims: claims, token: request.token, purpose: request.purpose))
        switch verdict {
        case .refused(let refusal):
            // The token is good: this is somebody whom an operator may be asked about. A question between processes is
            // everyday business.
            if request.purpose != .inquiry {
                log.info("join refused", metadata: ["session": "\(claims.session)", "code": "\(refusal.code)"])
            }
            answer(visitor, ClosingResponse(refusal, origin: request.origin))
        case .welcome(let loop, let seat):
            switch request.purpose {
            case .probe: answer(visitor, ClosingResponse.mayJoin.readable(by: request.origin))
            case .inquiry: answer(visitor, .mine)
            case .join, .relayed:
                handOver(visitor, to: loop, seat, claims, head: JoinRequest.forwardedHead(head) + rest)
            }
        case .relay(let address):
            switch request.purpose {
            case .probe: answer(visitor, ClosingResponse.mayJoin.readable(by: request.origin))
            // Handed on already, or asked about: a second hop could close a ring.
            case .relayed, .inquiry: refuse(visitor, .notMine, origin: request.origin)
            case .join: relay(visitor, request, to: address, head: JoinRequest.relayedHead(head) + rest)
            }
        }
    }

    private func handOver(
        _ visitor: Visitor, to loop: any SessionLoop, _ seat: any TransportSeat, _ claims: TokenClaims, head: [UInt8]
    ) {
        guard let context = context(loop.index) else {
            log.error("admission named a loop without a WebSocket context", metadata: ["loop": "\(loop.index)"])
            return refuse(visitor, .crowded, origin: nil)
        }
        guard let descriptor = visitor.release() else {
            // Gone, or sent away, while admission thought about it.
            return context.loop.post { seat.abandon(.closed(code: nil)) }
        }
        visitors[ObjectIdentifier(visitor)] = nil
        let times = settings.line
        let log = log
        context.loop.post {
            let socket = ParticipantSocket(loop: loop, claims: claims, seat: seat, times: times)
            do { try context.adopt(descriptor: descriptor, head: head, handler: socket) } catch {
                log.warning("a connection could not be handed over", metadata: ["error": "\(error)"])
                seat.abandon(.dead)
            }
        }
    }

    func refuse(_ visitor: Visitor, _ refusal: Refusal, origin: String?) {
        refused(refusal.code)
        // Anybody can knock: at a level that is usually told, a flood at the door would be one in the log as well.
        log.debug("knock refused", metadata: ["code": "\(refusal.code)", "status": "\(refusal.status)"])
        answer(visitor, ClosingResponse(refusal, origin: origin))
    }

    func answer(_ visitor: Visitor, _ response: ClosingResponse) {
        visitor.answer(response.bytes, within: settings.answerDeadline)
    }
}
