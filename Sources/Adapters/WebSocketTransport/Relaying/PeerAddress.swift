import Glibc

/// `host:port` of another process' media listener, as it stands in its instance row: `10.0.3.7:8082`, `[fd00::7]:8082`,
/// `voiced-2:8082`.
struct PeerAddress: Sendable, Hashable {
    /// Without brackets.
    var host: String
    var port: UInt16

    /// Nil for what is no such address.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.count <= 255, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            return nil
        }
        self.host = String(host)
        self.port = port
    }

    /// As a Host header has it.
    var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// A non-blocking TCP socket that has begun to connect to `address`, an IP literal; nil when it cannot even begin.
    /// `receiveBuffer`: bytes that the kernel may keep for us; nil: as it likes.
    static func connecting(to address: String, port: UInt16, receiveBuffer: Int32?) -> Int32? {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, String(port), &hints, &found) == 0, let target = found else { return nil }
        defer { freeaddrinfo(found) }
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(target.pointee.ai_family, flags, 0)
        guard descriptor >= 0 else { return nil }
        // Before the connect: the window is agreed on there.
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        if connect(descriptor, target.pointee.ai_addr, target.pointee.ai_addrlen) != 0, errno != EINPROGRESS {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
