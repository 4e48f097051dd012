import Dispatch
import InterviewCore
import Ports
import SessionTokens
import Synchronization

/// A session token, as anybody may send one.
///
/// Invariants: the same token gives the same answer; what we have signed is accepted; a token is accepted only when its
/// header and payload are, byte for byte, those of a token that we have signed, and then with the claims that were signed.
final class TokenTarget: FuzzTarget {
    let name = "token"
    let share = 120
    let longestInput = 2_200

    private let authority: JWTTokenAuthority
    /// Header and payload of each signed token, with its claims.
    private let signed: [String: TokenClaims]
    private let own: Set<String>
    let seeds: [[UInt8]]
    let words: [[UInt8]]

    private static let now: Int64 = 1_800_000_000

    init() {
        let (authority, tokens) = Self.wait { await Self.prepare() }
        self.authority = authority
        var signed: [String: TokenClaims] = [:]
        for (token, claims) in tokens { signed[Self.signedPart(of: token)] = claims }
        self.signed = signed
        own = Set(tokens.map(\.0))
        let foreign = [
            "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJwIn0.", "a.b.c", "..", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "",
        ]
        seeds = tokens.map { Array($0.0.utf8) } + foreign.map { Array($0.utf8) }
        words =
            seeds.flatMap { $0.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: true).map(Array.init) }
            + Dictionary.words(".", "=", "==", "-", "_", "+", "/", "e30", "eyJ", "none")
    }

    private static func prepare() async -> (JWTTokenAuthority, [(String, TokenClaims)]) {
        let texts = ["an-old-secret-of-more-than-32-characters", "0123456789abcdef0123456789abcdef0123456789abcdef"]
        guard let secrets = try? TokenSecrets(texts.map { Array($0.utf8) }), let session = SessionID("k7-Zq_0") else {
            preconditionFailure("the target's own secrets are good")
        }
        return (await JWTTokenAuthority(secrets, now: { now }), tokens(session))
    }

    /// Written down: the authority orders the claims of a token anew in each process. The first and the third are signed
    /// with the first secret, the other with the second; all expire ten minutes after `now`.
    private static func tokens(_ session: SessionID) -> [(String, TokenClaims)] {
        [
            (
                "eyJhbGciOiJIUzI1NiIsImtpZCI6IjNhZGQxNGExNGYwOTFlYjkiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJwLTE3Iiwic2lkIjoia"
                    + "zctWnFfMCIsImlhdCI6MTgwMDAwMDAwMCwiZXhwIjoxODAwMDAwNjAwLCJzY29wZSI6ImpvaW4ifQ.X7Qmu8DSzu2Jy4yx3-cumO"
                    + "Jsqy6gtw5HvyyBaJOf9Mw",
                TokenClaims(participant: "p-17", session: session, scope: .join)
            ),
            (
                "eyJhbGciOiJIUzI1NiIsImtpZCI6IjA1OGQxZGUzYzE5MDc2ZDEiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJwLTE3Iiwic2lkIjoia"
                    + "zctWnFfMCIsImlhdCI6MTgwMDAwMDAwMCwiZXhwIjoxODAwMDAwNjAwLCJzY29wZSI6Im9ic2VydmUifQ.DXL05BD3I6iyZVNrX-"
                    + "HCYHVVOAiFAu_W99ZH81ZzTO4",
                TokenClaims(participant: "p-17", session: session, scope: .observe)
            ),
            (
                "eyJhbGciOiJIUzI1NiIsImtpZCI6IjNhZGQxNGExNGYwOTFlYjkiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJwLTE3Iiwic2lkIjoia"
                    + "zctWnFfMCIsImlhdCI6MTgwMDAwMDAwMCwiZXhwIjoxODAwMDAwNjAwLCJzY29wZSI6InJlam9pbiIsImVwb2NoIjozLCJjbGllb"
                    + "nQiOiJwYWdlLTEifQ.jIRLBa4kJdUS6oQyKklvh7eW-a3z_gcQvfQf5zWHSAA",
                TokenClaims(participant: "p-17", session: session, scope: .rejoin, epoch: 3, client: "page-1")
            ),
        ]
    }

    func generate(_ random: inout Random) -> [UInt8] {
        // Parts of different tokens, and whole ones with one character changed.
        var parts = (0..<3).map { _ in random.pick(words, or: []) }
        if random.chance(oneIn: 2), let whole = random.pick(seeds) {
            parts = whole.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
            if random.chance(oneIn: 2), let last = parts.last, !last.isEmpty {
                parts[parts.count - 1][random.below(last.count)] = random.pick(Array("AZaz09-_".utf8), or: 0x41)
            }
        }
        return Array(parts.joined(separator: [UInt8(ascii: ".")]))
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        let token = String(decoding: input, as: UTF8.self)
        let authority = authority
        let answers = Self.wait { [await Self.verify(token, authority), await Self.verify(token, authority)] }
        try expect(answers[0] == answers[1], "the same token gives the same answer")
        guard case .success(let claims) = answers[0] else {
            try expect(!own.contains(token), "what we have signed is accepted")
            return .refused
        }
        try expect(token.utf8.count <= JWTTokenAuthority.longestToken, "a longer token is not read")
        try expect(signed[Self.signedPart(of: token)] == claims, "only what we have signed is accepted")
        return .accepted
    }

    private static func verify(_ token: String, _ authority: JWTTokenAuthority) async -> Result<TokenClaims, TokenError>
    {
        do throws(TokenError) { return .success(try await authority.verify(token)) } catch { return .failure(error) }
    }

    private static func signedPart(of token: String) -> String {
        token.split(separator: ".", omittingEmptySubsequences: false).dropLast().joined(separator: ".")
    }

    /// Inputs are run one after the other on one thread; the authority is an actor's client.
    private static func wait<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) -> Value {
        let done = DispatchSemaphore(value: 0)
        let shared = Box<Value>()
        Task.detached {
            let value = await work()
            shared.set(value)
            done.signal()
        }
        done.wait()
        guard let value = shared.value else { preconditionFailure("signalled after it was set") }
        return value
    }

    private final class Box<Value: Sendable>: Sendable {
        private let box = Mutex<Value?>(nil)
        func set(_ value: Value) { box.withLock { $0 = value } }
        var value: Value? { box.withLock { $0 } }
    }
}
