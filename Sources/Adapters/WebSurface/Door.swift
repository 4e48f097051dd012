import Foundation
import HTTPServing
import Hummingbird

/// Who may use REST. Closed: a bearer API key with the scope. Open (`voiced dev`): everybody on this machine.
struct Door: Sendable {
    private let open: Bool
    private let hosts: Set<String>
    private let authorize: @Sendable (String) async -> Set<String>?

    init(settings: WebSettings) {
        open = settings.open
        authorize = settings.authorize
        var hosts: Set<String> = ["localhost", "127.0.0.1", "::1", settings.host]
        if let name = settings.publicURL.flatMap({ URL(string: $0)?.host() }) { hosts.insert(name) }
        self.hosts = hosts
    }

    /// Returns the presented key (empty when the door is open), or throws 401 or 403.
    @discardableResult
    func admit(_ request: Request, _ scope: APIScope) async throws -> String {
        if open {
            guard isOurs(request.head.authority ?? request.header("Host")) else {
                throw APIError(
                    403, "host",
                    "REST without keys answers only to this machine's names. Set web.public_url to the name you use.")
            }
            return ""
        }
        guard let key = request.bearer, !key.isEmpty else {
            throw APIError(401, "api_key", "Send an API key: Authorization: Bearer <key>.")
        }
        guard let scopes = await authorize(key) else { throw APIError(401, "api_key", "This API key is unknown.") }
        guard scopes.contains(scope.rawValue) else {
            throw APIError(403, "scope", "This API key lacks the scope \(scope.rawValue).")
        }
        return key
    }

    private func isOurs(_ authority: String?) -> Bool {
        guard let authority, let host = URL(string: "http://\(authority)")?.host() else { return false }
        return hosts.contains(host.trimmingCharacters(in: CharacterSet(charactersIn: "[]")))
    }
}
