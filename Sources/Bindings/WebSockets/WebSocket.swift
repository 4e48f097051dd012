import CLibEv
import CLibWebSockets
import DequeModule
import EventLoops
import Ports

/// One WebSocket connection, to a participant (adopted) or to a provider (connected). It belongs to its context's loop
/// and is used there only.
///
/// The library holds one reference from the handing over until it has forgotten the connection; the handler is let go
/// with its last event, so that owner and socket may hold each other.
@safe
package final class WebSocket: @unchecked Sendable {
    enum Role: Sendable {
        case participant
        case provider(WebSocketTarget)
    }

    enum State {
        /// Leaves to `open` with the upgrade, to `ended` without.
        case connecting
        /// Leaves to `closing` by either side's close, to `ended` with the line.
        case open
        /// A close has been asked for, or one has come. Nothing is accepted for sending any more.
        case closing
        case ended
    }

    package let context: WebSocketContext
    let role: Role
    var handler: (any WebSocketHandler)?
    var state = State.connecting

    /// `struct lws *`; nil before the library knows us and after it has forgotten us.
    var wsi: OpaquePointer?
    /// True while the library holds its reference.
    var isHeld = false
    /// True inside `lws_client_connect_via_info`, whose failures are thrown and not told.
    var isStarting = false

    // Sending.
    var queue = Deque<OutgoingMessage>()
    var ownQueuedBytes = 0
    /// Size of the last write that the kernel has not taken whole: an upper bound of what the library holds.
    var heldBytes = 0
    var pendingClose: (code: UInt16, reason: String)?
    var closeIssued = false

    // Receiving.
    var assembly = AssemblyBuffer()
    var isAssembling = false
    var peerCloseCode: UInt16??

    // Watching over it.
    /// What ended the connection, where we know better than the library.
    var verdict: WebSocketEnd?
    var responseStatus = 0
    var deadline: LoopTimer?
    package internal(set) var lastHeard: Duration = .zero
    var pinged = false
    /// A sign of life is awaited since then (`ping(within:)`).
    package internal(set) var pingedAt: Duration?

    init(context: WebSocketContext, role: Role, handler: any WebSocketHandler) {
        self.context = context
        self.role = role
        self.handler = handler
    }

    package var loop: EventLoop { context.loop }

    /// Another owner hears of the connection from now on. Ignored once it has ended.
    package func handOver(to handler: any WebSocketHandler) {
        guard state != .ended else { return }
        self.handler = handler
    }
    package var isOpen: Bool { state == .open }

    /// Waiting to be taken by the kernel: our own queue and (at most) what the library holds.
    package var queuedBytes: Int {
        guard let wsi = unsafe wsi else { return 0 }
        return ownQueuedBytes &+ (unsafe lws_partial_buffered(wsi) != 0 ? heldBytes : 0)
    }

    /// Taken by the kernel but not acknowledged by the peer's. Zero when it cannot be known.
    package var unacknowledgedBytes: Int {
        guard let wsi = unsafe wsi else { return 0 }
        return max(0, Int(voiced_unacknowledged_bytes(unsafe lws_get_socket_fd(wsi))))
    }

    // MARK: Ending

    /// Sends what is queued, then the close frame; `ended` comes when the peer has answered it, at the latest after
    /// `WebSocketLimits.closeWithin`. `discarding`: without what is queued. A second call is ignored.
    package func close(code: UInt16, reason: String, discarding: Bool = false) {
        switch state {
        case .connecting:
            pendingClose = (code, "")
            abort()
        case .open:
            state = .closing
            pendingClose = (code, reason.cut(toBytes: WebSocketLimits.reasonBytes))
            if discarding { dropQueue() }
            setDeadline(in: context.limits.closeWithin) { [weak self] in self?.abort() }
            if let wsi = unsafe wsi { unsafe lws_callback_on_writable(wsi) }
        case .closing, .ended:
            break
        }
    }

    /// Cuts the line; `ended` follows soon, not from within this call.
    package func abort() {
        guard state != .ended, let wsi = unsafe wsi else { return }
        if state == .open { state = .closing }
        // The only way to end a connection from outside of its callbacks; the wake-up makes the library look at its
        // own timers, which it arms only after events of its own.
        unsafe lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC)
        context.wakeLibrary()
    }

    func fail(_ verdict: WebSocketEnd) {
        if self.verdict == nil { self.verdict = verdict }
        abort()
    }

    /// The library has forgotten the connection, or is about to.
    func end(_ fallback: WebSocketEnd) {
        guard state != .ended else { return }
        state = .ended
        clearDeadline()
        dropQueue()
        context.openSockets &-= 1
        tell(verdict ?? fallback)
    }

    /// Tells the handler, once.
    func tell(_ end: WebSocketEnd) {
        assembly = AssemblyBuffer()
        let handler = self.handler
        self.handler = nil
        handler?.webSocket(self, ended: end)
    }

    func dropQueue() {
        queue.removeAll()
        ownQueuedBytes = 0
    }

    // MARK: Deadline

    /// One at a time: connecting, then a provider's silence, then closing.
    func setDeadline(in duration: Duration, _ action: @escaping @Sendable () -> Void) {
        clearDeadline()
        deadline = loop.schedule(at: loop.now + duration) { [weak self] in
            self?.deadline = nil
            action()
        }
    }

    func clearDeadline() {
        if let deadline { loop.cancel(deadline) }
        deadline = nil
    }
}

extension String {
    /// The longest beginning of at most `limit` bytes that ends between characters.
    fileprivate func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var kept = ""
        for character in self {
            guard kept.utf8.count + character.utf8.count <= limit else { break }
            kept.append(character)
        }
        return kept
    }
}
