/// Host and port of an `http://` or `ws://` address. A path is kept apart; there is no TLS here.
package struct Address: Hashable, Sendable {
    package var host: String
    package var port: Int
    /// Without a trailing slash; usually empty.
    package var path: String

    package init(_ text: String) throws(ParticipantLoadError) {
        var rest = Substring(text)
        if let scheme = rest.firstRange(of: "://") {
            let name = rest[..<scheme.lowerBound]
            guard name == "http" || name == "ws" else { throw .address(text) }
            rest = rest[scheme.upperBound...]
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        path = String(rest[authority.endIndex...].prefix { $0 != "?" && $0 != "#" })
        while path.hasSuffix("/") { path.removeLast() }
        // An IPv6 address stands in brackets: its colons are not the port's.
        let bracket = authority.lastIndex(of: "]") ?? authority.startIndex
        if let colon = authority[bracket...].lastIndex(of: ":") {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
                throw .address(text)
            }
            port = number
            host = String(authority[..<colon])
        } else {
            port = 80
            host = String(authority)
        }
        host = String(host.drop { $0 == "[" }.prefix { $0 != "]" })
        guard !host.isEmpty else { throw .address(text) }
    }

    package var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
