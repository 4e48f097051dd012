import Foundation
import InterviewCore
import JWTKit
import Ports

/// The `TokenAuthority` port as JWT HS256 over jwt-kit. What jwt-kit leaves to its caller is done here: the length
/// before anything is parsed, `alg` and `kid` of the header (jwt-kit falls back to a default key for an unknown `kid`),
/// and every claim. Signing and verifying take some 30 to 40 µs and an actor hop: the acceptor's work, not a loop's.
package struct JWTTokenAuthority: TokenAuthority {
    /// Bytes. Ours have some 350; more than this is not parsed, and not signed either.
    package static let longestToken = 2_048
    /// Seconds; a lifetime is cut to it.
    package static let longestLifetime: Int64 = 366 * 86_400

    private let keys: JWTKeyCollection
    private let kids: Set<String>
    private let signingKid: String
    private let now: @Sendable () -> Int64

    /// `now`: seconds since 1970, as `exp` counts them.
    package init(
        _ secrets: TokenSecrets, now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    ) async {
        let keys = JWTKeyCollection()
        for secret in secrets.secrets {
            await keys.add(
                hmac: HMACKey(from: secret.bytes), digestAlgorithm: .sha256, kid: JWKIdentifier(string: secret.kid))
        }
        self.keys = keys
        self.kids = Set(secrets.secrets.map(\.kid))
        self.signingKid = secrets.secrets.first?.kid ?? ""
        self.now = now
    }

    package func sign(_ claims: TokenClaims, lifetime: Duration) async throws(TokenError) -> String {
        try Self.requireRejoinClaims(claims)
        let issued = now()
        let seconds = min(max(0, lifetime.secondsRoundedUp), Self.longestLifetime)
        let payload = Payload(
            sub: claims.participant, sid: claims.session.text, scope: claims.scope.rawValue, exp: issued + seconds,
            iat: issued, epoch: claims.epoch, client: claims.client)
        let token: String
        do {
            token = try await keys.sign(payload, kid: JWKIdentifier(string: signingKid))
        } catch {
            throw .malformed
        }
        guard token.utf8.count <= Self.longestToken else { throw .malformed }
        return token
    }

    package func verify(_ token: String) async throws(TokenError) -> TokenClaims {
        guard token.utf8.count <= Self.longestToken else { throw .malformed }
        try checkHeader(of: token)
        let payload: Payload
        do {
            payload = try await keys.verify(token, as: Payload.self)
        } catch let error as JWTError where error.errorType == .signatureVerificationFailed {
            throw .badSignature
        } catch {
            throw .malformed
        }
        return try claims(of: payload)
    }

    /// `alg` must be ours whatever the signature says (RFC 8725, 3.1), and `kid` one of our secrets.
    private func checkHeader(of token: String) throws(TokenError) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let data = Self.bytes(parts[0]),
            let header = try? JSONDecoder().decode(Header.self, from: data)
        else { throw .malformed }
        guard header.alg == "HS256" else { throw .badSignature }
        guard let kid = header.kid else { throw .missingClaim("kid") }
        guard kids.contains(kid) else { throw .badSignature }
    }

    private func claims(of payload: Payload) throws(TokenError) -> TokenClaims {
        guard let expires = payload.exp else { throw .missingClaim("exp") }
        guard now() < expires else { throw .expired }
        guard payload.iat != nil else { throw .missingClaim("iat") }
        guard let participant = payload.sub else { throw .missingClaim("sub") }
        guard let sid = payload.sid else { throw .missingClaim("sid") }
        guard let scopeName = payload.scope else { throw .missingClaim("scope") }
        guard let session = SessionID(sid), let scope = TokenScope(rawValue: scopeName) else { throw .malformed }
        let claims = TokenClaims(
            participant: participant, session: session, scope: scope, epoch: payload.epoch, client: payload.client)
        try Self.requireRejoinClaims(claims)
        return claims
    }

    private static func requireRejoinClaims(_ claims: TokenClaims) throws(TokenError) {
        guard claims.scope == .rejoin else { return }
        guard claims.epoch != nil else { throw .missingClaim("epoch") }
        guard claims.client != nil else { throw .missingClaim("client") }
    }

    /// base64url without padding (RFC 7515, 2).
    private static func bytes(_ text: Substring) -> Data? {
        var plain = String(text).replacing("-", with: "+").replacing("_", with: "/")
        plain += String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
        return Data(base64Encoded: plain)
    }

    private struct Header: Decodable {
        var alg: String?
        var kid: String?
    }

    /// All optional, so that a missing claim is told apart from a malformed token.
    private struct Payload: JWTPayload {
        var sub: String?
        var sid: String?
        var scope: String?
        var exp: Int64?
        var iat: Int64?
        var epoch: Int64?
        var client: String?

        /// Nothing: `claims(of:)` checks them, by the clock that this authority was given.
        func verify(using algorithm: some JWTAlgorithm) {}
    }
}

extension Duration {
    var secondsRoundedUp: Int64 {
        let (seconds, attoseconds) = components
        return attoseconds > 0 && seconds < .max ? seconds + 1 : seconds
    }
}
