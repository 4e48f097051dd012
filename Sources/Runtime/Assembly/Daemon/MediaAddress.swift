import Glibc
import Settings

/// Where other processes of the installation reach this one's media listener.
enum MediaAddress {
    /// `host:port`: as configured, else the listening address, else the machine's first IPv4 address that is up and no
    /// loopback, else the loopback.
    static func text(_ media: Configuration.Media, port: Int) -> String {
        if let configured = media.advertise { return configured }
        switch media.host {
        case "0.0.0.0", "::", "": return "\(firstAddress() ?? "127.0.0.1"):\(port)"
        case let host where host.contains(":"): return "[\(host)]:\(port)"
        case let host: return "\(host):\(port)"
        }
    }

    private static func firstAddress() -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return nil }
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            let flags = Int32(bitPattern: entry.ifa_flags)
            guard flags & Int32(IFF_UP) != 0, flags & Int32(IFF_LOOPBACK) == 0,
                let address = entry.ifa_addr, Int32(address.pointee.sa_family) == AF_INET
            else { continue }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(MemoryLayout<sockaddr_in>.size)
            guard getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
                continue
            }
            return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        return nil
    }
}
