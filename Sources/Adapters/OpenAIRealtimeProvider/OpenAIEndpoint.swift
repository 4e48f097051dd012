import Foundation

/// Where a session is opened: `{base_url}/realtime?model=…`, taken apart as a socket needs it.
struct OpenAIEndpoint: Sendable, Hashable {
    var secure: Bool
    /// Without brackets.
    var host: String
    var port: UInt16
    var path: String

    init(baseURL: String, model: String) throws(OpenAIRealtimeError) {
        guard let parts = URLComponents(string: baseURL), parts.query == nil, parts.fragment == nil, parts.user == nil,
            parts.password == nil, let host = parts.host?.trimmingCharacters(in: ["[", "]"]), !host.isEmpty
        else { throw .badBaseURL }
        switch parts.scheme?.lowercased() {
        case "ws": secure = false
        case "wss": secure = true
        default: throw .badBaseURL
        }
        guard let port = UInt16(exactly: parts.port ?? (secure ? 443 : 80)), port > 0 else { throw .badBaseURL }
        guard !model.isEmpty, let name = model.addingPercentEncoding(withAllowedCharacters: Self.unreserved) else {
            throw .badModel
        }
        self.host = host
        self.port = port
        let base = parts.percentEncodedPath
        path = (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/realtime?model=" + name
    }

    /// True for an IP address, which needs no resolving.
    var isLiteral: Bool {
        var four = in_addr()
        var six = in6_addr()
        return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
    }

    /// RFC 3986 section 2.3, ASCII alone.
    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}
