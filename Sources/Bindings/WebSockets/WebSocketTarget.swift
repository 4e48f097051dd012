/// Whose word is enough that a server is who it says.
package enum TrustStore: Sendable, Hashable {
    /// The distribution's certificates.
    case system
    /// Only the certificates of this PEM file.
    case file(String)
}

/// Where to connect to.
package struct WebSocketTarget: Sendable {
    package var secure: Bool
    /// Host header, SNI and the name that the certificate must bear.
    package var host: String
    /// An IP address: names are resolved elsewhere (`HostResolver`), never on a loop.
    package var address: String
    package var port: UInt16
    /// With the query.
    package var path: String
    package var headers: [(name: String, value: String)]
    /// From `connect` until the upgrade is answered.
    package var connectTimeout: Duration

    package init(
        secure: Bool, host: String, address: String, port: UInt16, path: String,
        headers: [(name: String, value: String)] = [], connectTimeout: Duration = .seconds(10)
    ) {
        self.secure = secure
        self.host = host
        self.address = address
        self.port = port
        self.path = path
        self.headers = headers
        self.connectTimeout = connectTimeout
    }

    /// Nothing here comes from a peer, but a line break in a configured key would become a second header.
    func check() throws(WebSocketError) {
        guard !host.isEmpty, Self.isPlain(host) else { throw .badTarget("host") }
        // The library cuts a host at its first colon, so the certificate of an IPv6 literal cannot be checked.
        if secure, host.contains(":") { throw .badTarget("host") }
        guard !address.isEmpty, Self.isPlain(address) else { throw .badTarget("address") }
        guard port > 0 else { throw .badTarget("port") }
        guard path.utf8.first == UInt8(ascii: "/"), Self.isPlain(path) else { throw .badTarget("path") }
        for header in headers {
            guard !header.name.isEmpty, Self.isPlain(header.name), !header.name.contains(":") else {
                throw .badTarget("headers")
            }
            guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { throw .badTarget("headers") }
        }
    }

    /// As a Host header has it: the port only where it is not the scheme's own (RFC 9110, 7.2).
    var hostHeader: String {
        port == (secure ? 443 : 80) ? host : "\(host):\(port)"
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
    }
}
