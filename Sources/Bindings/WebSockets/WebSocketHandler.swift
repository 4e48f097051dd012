package enum MessageKind: Sendable, Hashable {
    case text
    case binary
}

/// What one connection's owner hears of it. Called on the loop.
package protocol WebSocketHandler: AnyObject, Sendable {
    /// The upgrade is done. For an adopted socket this comes before `adopt` returns.
    func webSocketOpened(_ socket: WebSocket)
    /// A whole message, text already checked to be UTF-8; `bytes` is valid during the call only.
    func webSocket(_ socket: WebSocket, received bytes: UnsafeRawBufferPointer, kind: MessageKind)
    /// Last event, exactly once, also for a connect that failed. Not for one that threw.
    func webSocket(_ socket: WebSocket, ended end: WebSocketEnd)
}

package enum WebSocketEnd: Sendable, Hashable {
    /// By a close frame: the peer's code, or ours when we closed. Nil: the line broke, or the frame had no code.
    case closed(code: UInt16?)
    /// The HTTP status of a failed client upgrade.
    case refused(status: Int)
    /// `timeout`, `connect`, `protocol`, `send_queue`, `ECONNRESET` and such, or `tls: ` and one of `hostname`,
    /// `untrusted`, `expired`, `verify`, `handshake`.
    case failed(code: String)
    /// The peer's message was over the limit; closed with 1009.
    case tooBig
    /// The peer's text was no UTF-8; closed with 1007.
    case invalidUTF8
}
