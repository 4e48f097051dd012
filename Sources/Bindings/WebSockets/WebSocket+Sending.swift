import CLibWebSockets
import DequeModule

extension WebSocket {
    /// Writes in place: `fill` gets a buffer of `capacity` bytes and returns how many of them to send; zero sends
    /// nothing. It must not send anything itself. Ignored once the connection is not open any more.
    package func send(_ kind: MessageKind, capacity: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        guard state == .open, capacity > 0, let wsi = unsafe wsi else { return }
        // On the loop's thread, with nothing waiting, a direct write is legal and saves a turn.
        let isFree = queue.isEmpty && (unsafe lws_partial_buffered(wsi)) == 0
        if isFree, capacity <= WebSocketLimits.writeBytes {
            let payload = unsafe context.scratch
            let used = unsafe fill(UnsafeMutableRawBufferPointer(start: payload, count: capacity))
            guard used > 0 else { return }
            unsafe write(payload, count: min(used, capacity), kind)
            return
        }
        guard queuedBytes &+ capacity <= queueLimit else { return fail(.failed(code: "send_queue")) }
        guard let message = unsafe OutgoingMessage(kind, capacity: capacity, fill) else { return }
        if isFree {
            unsafe write(message.payload, count: message.count, kind)
        } else {
            queue.append(message)
            ownQueuedBytes &+= message.count
            unsafe lws_callback_on_writable(wsi)
        }
    }

    package func send(_ kind: MessageKind, _ bytes: UnsafeRawBufferPointer) {
        unsafe send(kind, capacity: bytes.count) { buffer in
            unsafe buffer.copyMemory(from: bytes)
            return bytes.count
        }
    }

    private var queueLimit: Int {
        switch role {
        case .participant: context.limits.participantQueueBytes
        case .provider: context.limits.providerQueueBytes
        }
    }

    /// False: the connection is broken and on its way out.
    @discardableResult
    private func write(_ payload: UnsafeMutableRawPointer, count: Int, _ kind: MessageKind) -> Bool {
        guard let wsi = unsafe wsi else { return false }
        let type = kind == .text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY
        let code = unsafe lws_write(wsi, payload.assumingMemoryBound(to: UInt8.self), count, type)
        guard code >= 0 else {
            abort()
            return false
        }
        heldBytes = unsafe lws_partial_buffered(wsi) != 0 ? count : 0
        return true
    }

    /// The library's WRITEABLE callback. -1: it shall close, by the code and reason given to it.
    func writable() -> Int32 {
        guard state == .open || state == .closing, let wsi = unsafe wsi else { return 0 }
        while unsafe lws_partial_buffered(wsi) == 0, let message = queue.popFirst() {
            ownQueuedBytes &-= message.count
            guard unsafe write(message.payload, count: message.count, message.kind) else { return 0 }
        }
        guard unsafe lws_partial_buffered(wsi) == 0 else { return 0 }
        if let pendingClose, !closeIssued {
            closeIssued = true
            unsafe issueClose(wsi, code: pendingClose.code, reason: pendingClose.reason)
            return -1
        }
        return 0
    }

    /// The callback that this is called in must return -1.
    private func issueClose(_ wsi: OpaquePointer, code: UInt16, reason: String) {
        var reason = reason
        reason.withUTF8 { text in
            unsafe lws_close_reason(
                wsi, lws_close_status(rawValue: UInt32(code)), UnsafeMutablePointer(mutating: text.baseAddress),
                text.count)
        }
    }

    /// RFC 6455, 5.5.2. An empty one: the pong's time is all that matters.
    func ping() {
        guard let wsi = unsafe wsi, unsafe lws_partial_buffered(wsi) == 0 else { return }
        if unsafe lws_write(wsi, context.scratch.assumingMemoryBound(to: UInt8.self), 0, LWS_WRITE_PING) < 0 { abort() }
    }
}
