import HTTPServing
import Synchronization

/// The address that participants know this surface by. When nobody configured one it is the bound address, which is
/// known only once the listener runs.
final class PublicBase: Sendable {
    private let configured: String?
    private let listener = Mutex<(host: String, listener: HTTPListener)?>(nil)

    init(_ configured: String?) {
        self.configured = configured.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    }

    func listen(host: String, _ listener: HTTPListener) { self.listener.withLock { $0 = (host, listener) } }

    /// Without a closing slash.
    func url() async throws -> String {
        if let configured { return configured }
        guard let (host, listener) = listener.withLock({ $0 }) else { throw APIError(503, "starting", "Starting.") }
        let name = host == "0.0.0.0" || host == "::" ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host
        return "http://\(name):\(try await listener.port())"
    }
}
