import Crypto
import Foundation

/// The secrets behind session tokens: the first signs, all verify, so that a secret is replaced by putting the new one
/// in front and taking the old one away when its last token has expired. Prints as a number only.
package struct TokenSecrets: Sendable, CustomStringConvertible, CustomReflectable {
    /// Bytes. HS256 needs a key of at least its hash's length (RFC 7518, 3.2).
    package static let shortest = 32
    package static let most = 8

    struct Secret: Sendable {
        var bytes: [UInt8]
        /// Names the secret in a token's header: eight bytes of a keyed hash, which say nothing of the secret.
        var kid: String

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            let code = HMAC<SHA256>.authenticationCode(
                for: Array("voiced token kid".utf8), using: SymmetricKey(data: bytes))
            self.kid = hexadecimal(code.prefix(8))
        }
    }

    /// At least one, each with a kid of its own.
    let secrets: [Secret]

    package init(_ secrets: [[UInt8]]) throws(AccessError) {
        guard !secrets.isEmpty else { throw .noSecret }
        guard secrets.count <= Self.most else { throw .tooManySecrets(secrets.count) }
        var kept: [Secret] = []
        for (index, bytes) in secrets.enumerated() {
            guard bytes.count >= Self.shortest else {
                throw .secretTooShort(position: index + 1, bytes: bytes.count)
            }
            let secret = Secret(bytes)
            if !kept.contains(where: { $0.kid == secret.kid }) { kept.append(secret) }
        }
        self.secrets = kept
    }

    /// From `VOICED_TOKEN_SECRET` or its file: separated by commas or line ends, white space around them ignored.
    package init(list: String) throws(AccessError) {
        let parts = list.split { $0 == "," || $0.isNewline }
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
        try self.init(parts.map { Array($0.utf8) })
    }

    package var description: String { "TokenSecrets(\(secrets.count))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
