import Glibc

/// A bound, listening, non-blocking TCP socket.
struct ListeningSocket {
    let descriptor: Int32
    let port: Int

    init(host: String, port: Int) throws(AcceptorError) {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let name = host == "localhost" ? "127.0.0.1" : host
        guard getaddrinfo(name, String(port), &hints, &found) == 0, let address = found else { throw .noSuchHost(host) }
        defer { freeaddrinfo(found) }
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.pointee.ai_family, flags, 0)
        guard descriptor >= 0 else { throw Self.error(errno, host, port) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0, listen(descriptor, 1_024) == 0
        else {
            let code = errno
            Glibc.close(descriptor)
            throw Self.error(code, host, port)
        }
        self.descriptor = descriptor
        self.port = Self.boundPort(descriptor) ?? port
    }

    enum Accepted {
        case connection(Int32)
        /// None waits, or the one that did has gone again.
        case none
        /// The process may not open any more descriptors; the connection keeps waiting.
        case noDescriptors
    }

    /// The next connection, non-blocking and without Nagle's delay.
    func accept() -> Accepted {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { return errno == EMFILE || errno == ENFILE ? .noDescriptors : .none }
        // accept4 would do it in one call, but Glibc's module hides it (a GNU extension).
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        var on: Int32 = 1
        setsockopt(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return .connection(accepted)
    }

    func close() { Glibc.close(descriptor) }

    private static func boundPort(_ descriptor: Int32) -> Int? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Int? in
                guard getsockname(descriptor, address, &length) == 0 else { return nil }
                switch Int32(address.pointee.sa_family) {
                case AF_INET:
                    return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                        Int(UInt16(bigEndian: $0.pointee.sin_port))
                    }
                case AF_INET6:
                    return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                        Int(UInt16(bigEndian: $0.pointee.sin6_port))
                    }
                default: return nil
                }
            }
        }
    }

    private static func error(_ code: Int32, _ host: String, _ port: Int) -> AcceptorError {
        switch code {
        case EADDRINUSE: .inUse(host: host, port: port)
        case EACCES, EPERM: .notPermitted(port: port)
        case EADDRNOTAVAIL: .noSuchHost(host)
        default: .failed(code: String(cString: strerror(code)))
        }
    }
}
