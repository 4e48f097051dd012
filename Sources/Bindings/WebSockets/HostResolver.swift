import Glibc

/// Names to addresses by `getaddrinfo`, on threads of its own: it blocks for seconds, and a loop must not.
package struct HostResolver: Sendable {
    package enum Limits {
        /// Threads in all; made when needed, kept for good.
        package static let threads = 4
        /// Names that wait or are being resolved.
        package static let waiting = 256
    }

    package init() {}

    /// The addresses of `host` in the system's order of preference; an address resolves to itself, at once.
    package func resolve(_ host: String, port: UInt16) async throws(WebSocketError) -> [String] {
        if Self.isAddress(host) { return [host] }
        let result: Result<[String], WebSocketError> = await withCheckedContinuation { continuation in
            let accepted = ResolverThreads.shared.run { continuation.resume(returning: Self.lookUp(host, port)) }
            if !accepted { continuation.resume(returning: .failure(.resolverBusy)) }
        }
        return try result.get()
    }

    private static func isAddress(_ host: String) -> Bool {
        var storage = in6_addr()
        return unsafe inet_pton(AF_INET, host, &storage) == 1 || inet_pton(AF_INET6, host, &storage) == 1
    }

    private static func lookUp(_ host: String, _ port: UInt16) -> Result<[String], WebSocketError> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else { return .failure(.unresolved(code: name(code))) }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [String] = []
        var entry = unsafe list
        while let current = unsafe entry {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let failed = unsafe getnameinfo(
                current.pointee.ai_addr, current.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST)
            let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let address = String(decoding: bytes, as: UTF8.self)
            if failed == 0, !addresses.contains(address) { addresses.append(address) }
            unsafe entry = current.pointee.ai_next
        }
        return addresses.isEmpty ? .failure(.unresolved(code: "EAI_NONAME")) : .success(addresses)
    }

    private static func name(_ code: Int32) -> String {
        switch code {
        case EAI_NONAME: "EAI_NONAME"
        case EAI_AGAIN: "EAI_AGAIN"
        case EAI_FAIL: "EAI_FAIL"
        case EAI_SYSTEM: "EAI_SYSTEM"
        case EAI_MEMORY: "EAI_MEMORY"
        default: "EAI \(code)"
        }
    }
}
