import Foundation
import InterviewCore
import Ports
import SessionTokens
import Synchronization
import Testing

@Suite("JWTTokenAuthority")
struct JWTTokenAuthorityTests {
    private static let first = String(repeating: "a", count: 32)
    private static let second = String(repeating: "b", count: 40)

    private func authority(
        _ list: String = first, now: @escaping @Sendable () -> Int64 = { 1_700_000_000 }
    ) async throws -> JWTTokenAuthority {
        await JWTTokenAuthority(try TokenSecrets(list: list), now: now)
    }

    private func claims(_ scope: TokenScope = .join, epoch: Int64? = nil, client: String? = nil) throws -> TokenClaims {
        TokenClaims(
            participant: "p-7", session: try #require(SessionID("s-1")), scope: scope, epoch: epoch, client: client)
    }

    /// Header and payload as JSON, signed by nobody.
    private func parts(_ token: String) throws -> [[String: Any]] {
        try token.split(separator: ".").prefix(2).map { part in
            var text = String(part).replacing("-", with: "+").replacing("_", with: "/")
            text += String(repeating: "=", count: (4 - text.count % 4) % 4)
            let data = try #require(Data(base64Encoded: text))
            return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        }
    }

    private func encoded(_ json: String) -> String {
        Data(json.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
    }

    @Test(
        "what is signed is verified, for every scope",
        arguments: [(TokenScope.join, nil, nil), (.rejoin, 4, "page-1"), (.move, 4, nil), (.observe, nil, nil)]
            as [(TokenScope, Int64?, String?)])
    func roundTrip(scope: TokenScope, epoch: Int64?, client: String?) async throws {
        let authority = try await authority()
        let claims = try claims(scope, epoch: epoch, client: client)
        #expect(try await authority.verify(authority.sign(claims, lifetime: .seconds(60))) == claims)
    }

    @Test("a token has the header and the claims of the protocol, and no secret")
    func shape() async throws {
        let token = try await authority().sign(claims(.rejoin, epoch: 3, client: "page"), lifetime: .seconds(60))
        let parts = try parts(token)
        #expect(parts[0]["alg"] as? String == "HS256")
        let kid = try #require(parts[0]["kid"] as? String)
        #expect(kid.count == 16)
        #expect(!kid.contains("a" + "a" + "a" + "a"))
        #expect(parts[1]["sub"] as? String == "p-7")
        #expect(parts[1]["sid"] as? String == "s-1")
        #expect(parts[1]["scope"] as? String == "rejoin")
        #expect(parts[1]["iat"] as? Int == 1_700_000_000)
        #expect(parts[1]["exp"] as? Int == 1_700_000_060)
        #expect(parts[1]["epoch"] as? Int == 3)
        #expect(parts[1]["client"] as? String == "page")
    }

    @Test("a token expires by the clock, at its second")
    func expiry() async throws {
        let clock = Mutex<Int64>(1_700_000_000)
        let authority = try await authority(now: { clock.withLock { $0 } })
        let token = try await authority.sign(claims(), lifetime: .milliseconds(59_001))
        clock.withLock { $0 += 59 }
        _ = try await authority.verify(token)
        clock.withLock { $0 += 1 }
        await #expect(throws: TokenError.expired) { _ = try await authority.verify(token) }
    }

    @Test("a lifetime out of all bounds is cut")
    func lifetime() async throws {
        let authority = try await authority()
        let token = try await authority.sign(claims(), lifetime: .seconds(Int64.max))
        #expect(try parts(token)[1]["exp"] as? Int64 == 1_700_000_000 + JWTTokenAuthority.longestLifetime)
        let none = try await authority.sign(claims(), lifetime: .seconds(-5))
        await #expect(throws: TokenError.expired) { _ = try await authority.verify(none) }
    }

    @Test("the first secret signs and all verify")
    func rotation() async throws {
        let old = try await authority(Self.first)
        let both = try await authority("\(Self.second), \(Self.first)\n")
        let new = try await authority(Self.second)
        let oldToken = try await old.sign(claims(), lifetime: .seconds(60))
        let newToken = try await both.sign(claims(), lifetime: .seconds(60))
        #expect(try await both.verify(oldToken) == claims())
        #expect(try await new.verify(newToken) == claims())
        await #expect(throws: TokenError.badSignature) { _ = try await new.verify(oldToken) }
        await #expect(throws: TokenError.badSignature) { _ = try await old.verify(newToken) }
    }

    @Test("a token under another secret's kid is refused")
    func wrongKid() async throws {
        let both = try await authority("\(Self.first),\(Self.second)")
        let old = try await authority(Self.second)
        let mine = try await both.sign(claims(), lifetime: .seconds(60)).split(separator: ".")
        let other = try await old.sign(claims(), lifetime: .seconds(60)).split(separator: ".")
        await #expect(throws: TokenError.badSignature) {
            _ = try await both.verify("\(mine[0]).\(other[1]).\(other[2])")
        }
    }

    @Test("a changed claim, a changed signature, no signature: refused")
    func tampering() async throws {
        let authority = try await authority()
        let token = try await authority.sign(claims(), lifetime: .seconds(60))
        let parts = token.split(separator: ".")
        let payload = encoded(#"{"sub":"p-7","sid":"s-2","scope":"join","exp":9999999999,"iat":1}"#)
        let flipped = parts[2].first == "A" ? "B" + parts[2].dropFirst() : "A" + parts[2].dropFirst()
        for forged in [
            "\(parts[0]).\(payload).\(parts[2])", "\(parts[0]).\(parts[1]).\(flipped)",
            "\(parts[0]).\(parts[1]).",
        ] {
            await #expect(throws: TokenError.badSignature) { _ = try await authority.verify(forged) }
        }
    }

    @Test("algorithm none, another algorithm, no algorithm: refused, whatever the signature")
    func algorithms() async throws {
        let authority = try await authority()
        let token = try await authority.sign(claims(), lifetime: .seconds(60))
        let parts = token.split(separator: ".")
        let kid = try #require(try self.parts(token)[0]["kid"] as? String)
        for header in [
            #"{"alg":"none","kid":"\#(kid)"}"#, #"{"alg":"None","kid":"\#(kid)"}"#, #"{"alg":"HS512","kid":"\#(kid)"}"#,
            #"{"alg":"RS256","kid":"\#(kid)"}"#, #"{"kid":"\#(kid)"}"#,
        ] {
            for signature in ["", String(parts[2])] {
                await #expect(throws: TokenError.badSignature) {
                    _ = try await authority.verify("\(encoded(header)).\(parts[1]).\(signature)")
                }
            }
        }
        await #expect(throws: TokenError.missingClaim("kid")) {
            _ = try await authority.verify("\(encoded(#"{"alg":"HS256"}"#)).\(parts[1]).\(parts[2])")
        }
    }

    @Test(
        "what is no token is malformed",
        arguments: [
            "", ".", "..", "...", "a.b", "a.b.c", "e30.e30.e30.e30", "bearer x", "\u{0}", "🙂.🙂.🙂",
            String(repeating: "A", count: 2_049), String(repeating: ".", count: 2_000),
            "W10.W10.W10", "eyJhbGciOjF9.e30.", "bnVsbA.e30.",
        ])
    func malformed(token: String) async throws {
        let authority = try await authority()
        await #expect(throws: TokenError.malformed) { _ = try await authority.verify(token) }
    }

    @Test("an over-long token is not parsed, and not made")
    func tooLong() async throws {
        let authority = try await authority()
        let token = try await authority.sign(claims(), lifetime: .seconds(60))
        let padding = String(repeating: "x", count: 2_049 - token.utf8.count)
        await #expect(throws: TokenError.malformed) { _ = try await authority.verify(token + padding) }
        let long = TokenClaims(
            participant: String(repeating: "p", count: 2_000), session: try claims().session, scope: .join)
        await #expect(throws: TokenError.malformed) { _ = try await authority.sign(long, lifetime: .seconds(60)) }
    }

    @Test("a rejoin token without epoch or page load is neither made nor accepted")
    func rejoinClaims() async throws {
        let authority = try await authority()
        await #expect(throws: TokenError.missingClaim("epoch")) {
            _ = try await authority.sign(claims(.rejoin, client: "c"), lifetime: .seconds(60))
        }
        await #expect(throws: TokenError.missingClaim("client")) {
            _ = try await authority.sign(claims(.rejoin, epoch: 1), lifetime: .seconds(60))
        }
    }
}
