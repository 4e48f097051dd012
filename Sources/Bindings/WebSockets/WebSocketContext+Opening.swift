import CLibWebSockets
import EventLoops
import Glibc

extension WebSocketContext {
    /// Server side: takes over an accepted TCP socket whose request head, already vetted, has been read; `head` may go
    /// on with what came behind it. On the loop. The descriptor is the library's from here on, also when this throws.
    /// Refusals of the library (there should be none) throw; everything later is told to `handler`, which hears
    /// `webSocketOpened` before this returns.
    @discardableResult
    package func adopt(
        descriptor: Int32, head: [UInt8], handler: any WebSocketHandler
    ) throws(WebSocketError) -> WebSocket {
        do {
            try prepare()
        } catch {
            Self.closeDescriptor(descriptor)
            throw error
        }
        let socket = WebSocket(context: self, role: .participant, handler: handler)
        openSockets &+= 1
        if callbackDepth > 0 {
            // The library would read the head into the buffer that it is reading from right now.
            loop.post {
                if (try? self.handOver(socket, descriptor, head)) == nil { socket.end(.failed(code: "protocol")) }
            }
            return socket
        }
        try handOver(socket, descriptor, head)
        return socket
    }

    private func handOver(_ socket: WebSocket, _ descriptor: Int32, _ head: [UInt8]) throws(WebSocketError) {
        guard unsafe participants != nil else {
            Self.closeDescriptor(descriptor)
            throw .destroyed
        }
        adopting = socket
        socket.isStarting = true
        let made = unsafe head.withUnsafeBytes { bytes in
            unsafe lws_adopt_socket_vhost_readbuf(
                participants, descriptor, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        adopting = nil
        socket.isStarting = false
        // The upgrade is answered within the call; what is not open by now never will be.
        guard socket.state == .connecting else { return }
        if unsafe made != nil {
            socket.abort()
        } else if unsafe socket.wsi == nil {
            socket.letGo()
        }
        socket.state = .ended
        socket.handler = nil
        openSockets &-= 1
        throw .adoptionRefused
    }

    /// Client side. On the loop. Failure to start throws; later failures arrive at `ended`.
    package func connect(
        _ target: WebSocketTarget, handler: any WebSocketHandler
    ) throws(WebSocketError) -> WebSocket {
        try target.check()
        try prepare()
        let socket = WebSocket(context: self, role: .provider(target), handler: handler)
        openSockets &+= 1
        if callbackDepth > 0 {
            loop.post {
                guard socket.state == .connecting else { return }
                if (try? self.begin(socket, target)) == nil { socket.end(.failed(code: "connect")) }
            }
            return socket
        }
        do {
            try begin(socket, target)
        } catch {
            socket.state = .ended
            socket.handler = nil
            openSockets &-= 1
            throw error
        }
        return socket
    }

    private func begin(_ socket: WebSocket, _ target: WebSocketTarget) throws(WebSocketError) {
        guard let raw = unsafe raw, let host = unsafe providers else { throw .destroyed }
        socket.setDeadline(in: target.connectTimeout) { [weak socket] in
            guard let socket, socket.state == .connecting else { return }
            socket.fail(.failed(code: "timeout"))
        }
        // The library's reference; it has no callback early enough to take it, and none at all when it gives up in
        // here (not even WSI_DESTROY, where names do not resolve).
        socket.isHeld = true
        let pointer = unsafe Unmanaged.passRetained(socket).toOpaque()
        socket.isStarting = true
        var info = unsafe lws_client_connect_info()
        unsafe info.context = raw
        unsafe info.vhost = host
        unsafe info.port = Int32(target.port)
        unsafe info.opaque_user_data = pointer
        // A redirect would carry the key to wherever the answer says.
        var flags = LCCSCF_HTTP_NO_FOLLOW_REDIRECT.rawValue
        if target.secure { flags |= LCCSCF_USE_SSL.rawValue }
        unsafe info.ssl_connection = Int32(flags)
        let made: OpaquePointer? = unsafe withStrings(
            target.address, target.path, target.hostHeader, "http/1.1", "provider"
        ) { address, path, hostHeader, alpn, name in
            unsafe info.address = address
            unsafe info.path = path
            unsafe info.host = hostHeader
            unsafe info.alpn = alpn
            unsafe info.local_protocol_name = name
            return unsafe lws_client_connect_via_info(&info)
        }
        socket.isStarting = false
        guard let made = unsafe made else {
            socket.clearDeadline()
            socket.letGo()
            throw .notStarted
        }
        unsafe socket.wsi = made
        if socket.pendingClose != nil { socket.abort() }
    }

    private func withStrings(
        _ a: String, _ b: String, _ c: String, _ d: String, _ e: String,
        _ body: (
            UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<CChar>,
            UnsafePointer<CChar>
        ) -> OpaquePointer?
    ) -> OpaquePointer? {
        // Copied by the library before the call returns.
        unsafe a.withCString { a in
            unsafe b.withCString { b in
                unsafe c.withCString { c in
                    unsafe d.withCString { d in unsafe e.withCString { e in unsafe body(a, b, c, d, e) } }
                }
            }
        }
    }
}

extension WebSocketContext {
    private static func closeDescriptor(_ descriptor: Int32) { _ = Glibc.close(descriptor) }
}
