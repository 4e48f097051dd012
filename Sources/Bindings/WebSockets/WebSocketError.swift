package enum WebSocketError: Error, Sendable, Hashable {
    /// libwebsockets refused to make its context; most often its libev plug-in is not installed.
    case noContext
    /// A virtual host could not be made.
    case noVirtualHost
    /// The certificates to trust cannot be read from this file.
    case unreadableTrust(path: String)
    /// The socket was handed over and is closed again: what its request head says is no WebSocket upgrade.
    case adoptionRefused
    /// A connect with an impossible target; the word names the field.
    case badTarget(String)
    /// The attempt ended before it began (no descriptor, no route).
    case notStarted
    /// `getaddrinfo` failed; `code` is its own, for example `EAI_NONAME`.
    case unresolved(code: String)
    /// `HostResolver.Limits.waiting` names are being resolved already.
    case resolverBusy
    /// `destroy()` came first.
    case destroyed
}
