import Crypto
import Foundation
import InterviewCore
import Ports
import SessionTokens
import Testing

/// Tokens signed with the right secret by another program, here by hand (RFC 7515), so that the authority's claims
/// checks are met behind a valid signature.
@Suite("Tokens of another maker")
struct ForeignTokenTests {
    private static let secret = String(repeating: "s", count: 32)

    private func authority() async throws -> JWTTokenAuthority {
        await JWTTokenAuthority(try TokenSecrets(list: Self.secret), now: { 1_700_000_000 })
    }

    private func base64(_ data: some DataProtocol) -> String {
        Data(data).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private func kid() async throws -> String {
        let claims = TokenClaims(participant: "p", session: try #require(SessionID("s")), scope: .join)
        let header = try await authority().sign(claims, lifetime: .seconds(9)).prefix { $0 != "." }
        var text = String(header)
        text += String(repeating: "=", count: (4 - text.count % 4) % 4)
        let json = try JSONSerialization.jsonObject(with: try #require(Data(base64Encoded: text))) as? [String: Any]
        return try #require(json?["kid"] as? String)
    }

    private func token(
        _ payload: String, algorithm: String = "HS256", kid named: String? = nil
    ) async throws -> String {
        let kid = if let named { named } else { try await kid() }
        let header = #"{"alg":"\#(algorithm)","kid":"\#(kid)","typ":"JWT"}"#
        let input = base64(Data(header.utf8)) + "." + base64(Data(payload.utf8))
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(input.utf8), using: SymmetricKey(data: Data(Self.secret.utf8)))
        return input + "." + base64(Data(code))
    }

    @Test("a well-made one is accepted, unknown claims are ignored")
    func accepted() async throws {
        let token = try await token(
            #"{"sub":"p","sid":"s","scope":"observe","exp":1700000001,"iat":1,"iss":"somebody","aud":["x"]}"#)
        let claims = try await authority().verify(token)
        #expect(claims == TokenClaims(participant: "p", session: try #require(SessionID("s")), scope: .observe))
    }

    @Test(
        "a claim that is missing is named",
        arguments: [
            ("exp", #"{"sub":"p","sid":"s","scope":"join","iat":1}"#),
            ("iat", #"{"sub":"p","sid":"s","scope":"join","exp":1700000001}"#),
            ("sub", #"{"sid":"s","scope":"join","exp":1700000001,"iat":1}"#),
            ("sid", #"{"sub":"p","scope":"join","exp":1700000001,"iat":1}"#),
            ("scope", #"{"sub":"p","sid":"s","exp":1700000001,"iat":1}"#),
            ("epoch", #"{"sub":"p","sid":"s","scope":"rejoin","exp":1700000001,"iat":1,"client":"c"}"#),
            ("client", #"{"sub":"p","sid":"s","scope":"rejoin","exp":1700000001,"iat":1,"epoch":1}"#),
        ])
    func missing(claim: String, payload: String) async throws {
        let token = try await token(payload)
        await #expect(throws: TokenError.missingClaim(claim)) { _ = try await authority().verify(token) }
    }

    @Test(
        "nonsense behind a valid signature is malformed",
        arguments: [
            "", "null", "[]", "7", "{",
            #"{"sub":1,"sid":"s","scope":"join","exp":1700000001,"iat":1}"#,
            #"{"sub":"p","sid":"s/../t","scope":"join","exp":1700000001,"iat":1}"#,
            #"{"sub":"p","sid":"s","scope":"root","exp":1700000001,"iat":1}"#,
            #"{"sub":"p","sid":"s","scope":"join","exp":1e300,"iat":1}"#,
            #"{"sub":"p","sid":"s","scope":"join","exp":"tomorrow","iat":1}"#,
            #"{"sub":"p","sid":"s","scope":"rejoin","exp":1700000001,"iat":1,"epoch":1.5,"client":"c"}"#,
        ])
    func nonsense(payload: String) async throws {
        let token = try await token(payload)
        await #expect(throws: TokenError.malformed) { _ = try await authority().verify(token) }
    }

    @Test("a header that names another algorithm is refused although the signature is right")
    func algorithm() async throws {
        let payload = #"{"sub":"p","sid":"s","scope":"join","exp":1700000001,"iat":1}"#
        for algorithm in ["none", "HS384", "hs256"] {
            let token = try await token(payload, algorithm: algorithm)
            await #expect(throws: TokenError.badSignature) { _ = try await authority().verify(token) }
        }
    }

    @Test("an unknown kid is refused although our first secret has signed")
    func unknownKid() async throws {
        let payload = #"{"sub":"p","sid":"s","scope":"join","exp":1700000001,"iat":1}"#
        for kid in ["", "0000000000000000", "../secret"] {
            let token = try await token(payload, kid: kid)
            await #expect(throws: TokenError.badSignature) { _ = try await authority().verify(token) }
        }
    }

    @Test("expired long ago, or at a negative time, is expired")
    func expired() async throws {
        for exp in ["1700000000", "0", "-9000000000000000000"] {
            let token = try await token(#"{"sub":"p","sid":"s","scope":"join","exp":\#(exp),"iat":1}"#)
            await #expect(throws: TokenError.expired) { _ = try await authority().verify(token) }
        }
    }
}
