/// Where a listener waits for requests.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// `port` 0: any free one; `HTTPListener.port()` tells which.
    case tcp(host: String, port: Int)
    /// A Unix socket of mode 0600.
    case unix(path: String)

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}

/// Why a listener could not begin. `description` names the address and says what to do.
package enum ListenError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `setting`: the configuration key that moves this listener elsewhere.
    case inUse(ListenAddress, setting: String)
    case notPermitted(ListenAddress, setting: String)
    /// The host is none of this machine's addresses, or no host at all.
    case noSuchHost(ListenAddress, setting: String)
    /// A living process answers on this Unix socket.
    case anotherProcess(path: String)
    /// Something that is no socket has the name.
    case notASocket(path: String)
    case pathTooLong(path: String)
    case folder(path: String, code: Int32)
    /// Anything else; `code` is errno, 0 when there is none.
    case failed(ListenAddress, code: Int32)
    /// Shut down before it had begun.
    case stopped(ListenAddress)

    package var description: String {
        switch self {
        case .inUse(let address, let setting):
            "cannot listen on \(address): another program has this port. Stop it (`ss -ltnp` names it), or set \(setting)"
        case .notPermitted(let address, let setting):
            "cannot listen on \(address): not permitted. Ports below 1024 are root's; set \(setting) to a higher one"
        case .noSuchHost(let address, let setting):
            "cannot listen on \(address): this machine has no such address. Set \(setting) to one of `ip addr`, "
                + "to 127.0.0.1, or to 0.0.0.0 for all"
        case .anotherProcess(let path):
            "cannot listen on \(path): another voiced answers there. Stop it, or set admin.socket to another path"
        case .notASocket(let path):
            "cannot listen on \(path): a file that is no socket has this name. Move it away, or set admin.socket"
        case .pathTooLong(let path):
            "cannot listen on \(path): a Unix socket's path has at most 107 bytes. Set admin.socket to a shorter one"
        case .folder(let path, let code):
            "cannot make or write the folder \(path) (errno \(code)). Create it for this user, or set admin.socket"
        case .failed(let address, let code):
            "cannot listen on \(address) (errno \(code))"
        case .stopped(let address):
            "stopped before it listened on \(address)"
        }
    }
}
