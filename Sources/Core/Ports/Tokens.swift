import InterviewCore

package enum TokenScope: String, Sendable, Hashable, Codable {
    case join
    case rejoin
    case move
    case observe
}

/// What a verified token says.
package struct TokenClaims: Sendable, Hashable {
    package var participant: String
    package var session: SessionID
    package var scope: TokenScope
    /// `rejoin`: the owner's epoch and the page load it was made for.
    package var epoch: Int64?
    package var client: String?

    package init(
        participant: String, session: SessionID, scope: TokenScope, epoch: Int64? = nil, client: String? = nil
    ) {
        self.participant = participant
        self.session = session
        self.scope = scope
        self.epoch = epoch
        self.client = client
    }
}

package enum TokenError: Error, Sendable, Hashable {
    case malformed
    case badSignature
    case expired
    case missingClaim(String)
}

/// Signs and checks session tokens (JWT HS256).
package protocol TokenAuthority: Sendable {
    func sign(_ claims: TokenClaims, lifetime: Duration) async throws(TokenError) -> String
    func verify(_ token: String) async throws(TokenError) -> TokenClaims
}
