import Crypto
import Foundation
import HTTPServing
import InterviewCore

/// Ids of sessions: 20 characters of 5 bits. They are no secret, but nobody should guess or collide with one.
enum SessionName {
    /// Without i, l, o, u: people read these aloud and type them (Crockford's base 32).
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")
    static let length = 20

    static func random() -> SessionID {
        var generator = SystemRandomNumberGenerator()
        return of((0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// One character from each byte.
    static func of(_ bytes: some Sequence<UInt8>) -> SessionID {
        let text = String(bytes.prefix(length).map { alphabet[Int($0 & 31)] })
        return SessionID(text) ?? fallback
    }

    /// Never used: the alphabet above is a part of what an id may hold.
    private static let fallback = random()
}

/// `Idempotency-Key` of a creating request. The session's id is derived from it, so the store itself refuses the
/// second creation, also after a restart and between processes. It is bound to the API key that came with it: two
/// clients cannot meet in one key.
struct IdempotencyKey {
    let session: SessionID
    static let longest = 255

    /// Nil without the header; throws 400 when it is empty or too long.
    init?(_ header: String?, apiKey: String) throws {
        guard let header else { return nil }
        guard !header.isEmpty, header.utf8.count <= Self.longest else {
            throw APIError(
                400, "invalid_field", "Idempotency-Key has 1 to \(Self.longest) characters, for example a UUID.",
                field: "Idempotency-Key")
        }
        var hash = SHA256()
        hash.update(data: Data("voiced session\0\(apiKey.utf8.count)\0\(apiKey)\0\(header)".utf8))
        session = SessionName.of(hash.finalize())
    }
}
