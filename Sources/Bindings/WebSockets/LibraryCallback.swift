import CLibWebSockets

/// The one function through which the library tells everything, for both kinds of sockets.
///
/// Returns 0, or -1 for "close this connection".
func libraryCallback(
    _ wsi: OpaquePointer?, _ reason: lws_callback_reasons, _ user: UnsafeMutableRawPointer?,
    _ input: UnsafeMutableRawPointer?, _ length: Int
) -> Int32 {
    guard let wsi = unsafe wsi else { return 0 }
    switch reason {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        // First word of an adopted socket (earlier, the library overwrites the pointer again); connecting ones have
        // theirs already.
        if let socket = unsafe libraryContext(wsi)?.adopting { unsafe socket.attach(wsi) }
        return 0
    case LWS_CALLBACK_ESTABLISHED, LWS_CALLBACK_CLIENT_ESTABLISHED:
        return unsafe withSocket(wsi) { socket in
            socket.opened()
            return 0
        }
    case LWS_CALLBACK_RECEIVE, LWS_CALLBACK_CLIENT_RECEIVE:
        return unsafe withSocket(wsi) { socket in
            unsafe socket.received(UnsafeRawBufferPointer(start: input, count: input == nil ? 0 : length))
            return 0
        }
    case LWS_CALLBACK_RECEIVE_PONG, LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        return unsafe withSocket(wsi) { socket in
            socket.heard()
            return 0
        }
    case LWS_CALLBACK_SERVER_WRITEABLE, LWS_CALLBACK_CLIENT_WRITEABLE:
        return unsafe withSocket(wsi) { $0.writable() }
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return unsafe withSocket(wsi) { socket in
            unsafe socket.peerClosed(UnsafeRawBufferPointer(start: input, count: input == nil ? 0 : length))
            return 0
        }
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return unsafe withSocket(wsi) { unsafe $0.appendHeaders(to: input, room: length) }
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        return unsafe withSocket(wsi) { socket in
            socket.responseStatus = Int(unsafe lws_http_client_http_response(wsi))
            return 0
        }
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR, LWS_CALLBACK_CLOSED, LWS_CALLBACK_CLIENT_CLOSED,
        LWS_CALLBACK_WSI_DESTROY:
        return unsafe libraryEnded(wsi, reason, input, length)
    case LWS_CALLBACK_HTTP, LWS_CALLBACK_HTTP_BODY:
        // Plain requests end in the acceptor and never come this far.
        return -1
    default:
        return 0
    }
}

private func libraryEnded(
    _ wsi: OpaquePointer, _ reason: lws_callback_reasons, _ input: UnsafeMutableRawPointer?, _ length: Int
) -> Int32 {
    unsafe withSocket(wsi) { socket in
        switch reason {
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
            let bytes = unsafe UnsafeRawBufferPointer(start: input, count: input == nil ? 0 : length)
            let text = unsafe String(decoding: bytes, as: UTF8.self)
            // Until the request is on its way the library has no other word for what the peer answered.
            if socket.responseStatus == 0 { socket.responseStatus = Int(unsafe lws_http_client_http_response(wsi)) }
            socket.connectFailed(text)
        case LWS_CALLBACK_CLOSED, LWS_CALLBACK_CLIENT_CLOSED:
            // Never opened: `adopt` throws.
            if !(socket.isStarting && socket.state == .connecting) { unsafe socket.closedByLibrary(wsi) }
        default:
            // Without a word before: an adoption or a connect that came to nothing, which throws by itself.
            if !socket.isStarting { socket.end(.closed(code: socket.pendingClose?.code)) }
        }
        unsafe socket.detach(wsi)
        return 0
    }
}

private func libraryContext(_ wsi: OpaquePointer) -> WebSocketContext? {
    guard let context = unsafe lws_get_context(wsi), let user = unsafe lws_context_user(context) else { return nil }
    return unsafe Unmanaged<WebSocketContext>.fromOpaque(user).takeUnretainedValue()
}

private func withSocket(_ wsi: OpaquePointer, _ body: (WebSocket) -> Int32) -> Int32 {
    guard let pointer = unsafe lws_get_opaque_user_data(wsi) else { return 0 }
    let socket = unsafe Unmanaged<WebSocket>.fromOpaque(pointer).takeUnretainedValue()
    // A connect that succeeds at once calls back before it returns.
    if socket.isHeld, unsafe socket.wsi == nil { unsafe socket.wsi = wsi }
    // The library reads into one buffer per loop: nothing that uses it again may be started from in here.
    socket.context.callbackDepth &+= 1
    defer { socket.context.callbackDepth &-= 1 }
    return body(socket)
}

extension WebSocket {
    /// The library's reference. From here on it is given back exactly once, by `detach`.
    func attach(_ wsi: OpaquePointer) {
        guard !isHeld else { return }
        isHeld = true
        unsafe self.wsi = wsi
        unsafe lws_set_opaque_user_data(wsi, Unmanaged.passRetained(self).toOpaque())
    }

    func detach(_ wsi: OpaquePointer) {
        unsafe lws_set_opaque_user_data(wsi, nil)
        unsafe self.wsi = nil
        letGo()
    }

    func letGo() {
        guard isHeld else { return }
        isHeld = false
        unsafe Unmanaged.passUnretained(self).release()
    }

    /// `cursor` points at a pointer into the request head, which is to be moved past what is added.
    fileprivate func appendHeaders(to cursor: UnsafeMutableRawPointer?, room: Int) -> Int32 {
        guard case .provider(let target) = role, let cursor = unsafe cursor else { return 0 }
        let position = unsafe cursor.assumingMemoryBound(to: UnsafeMutablePointer<UInt8>?.self)
        guard let start = unsafe position.pointee, let wsi = unsafe wsi else { return -1 }
        for header in target.headers {
            let failed = unsafe header.value.withCString { value in
                unsafe "\(header.name):".withCString { name in
                    unsafe UnsafeRawPointer(name).withMemoryRebound(to: UInt8.self, capacity: 1) { name in
                        unsafe UnsafeRawPointer(value).withMemoryRebound(to: UInt8.self, capacity: 1) { value in
                            unsafe lws_add_http_header_by_name(
                                wsi, name, value, Int32(header.value.utf8.count), position, start + room)
                        }
                    }
                }
            }
            if failed != 0 { return -1 }
        }
        return 0
    }
}
