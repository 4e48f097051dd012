import Crypto
import InterviewCore

package enum ApiScope: String, Sendable, Hashable, CaseIterable {
    case createSessions = "sessions:create"
    case readSessions = "sessions:read"
    case writeStudies = "studies:write"
}

/// Whom a presented key belongs to and what it may do.
package struct ApiGrant: Sendable, Hashable {
    /// The operator's name for the key, fit for logs.
    package var name: String
    package var scopes: Set<ApiScope>
}

/// The keys that REST accepts, known by their hashes only. A key is a long random string, so one SHA-256 is enough:
/// there is nothing to guess that a slow hash would protect.
package struct ApiKeys: Sendable {
    package static let most = 256
    /// Bytes of a presented key; longer ones are unknown without being hashed.
    package static let longestKey = 512

    private struct Entry: Sendable {
        var grant: ApiGrant
        var hash: [UInt8]
    }
    private let entries: [Entry]

    package var isEmpty: Bool { entries.isEmpty }
    package var names: [String] { entries.map(\.grant.name) }

    /// `name:sha256hex` or `name:sha256hex:scope+scope`, separated by commas or line ends. Without scopes a key may do
    /// everything. Names are 1 to 64 of `A-Z a-z 0-9 _ -`, each once.
    package init(list: String) throws(AccessError) {
        var entries: [Entry] = []
        let parts = list.split { $0 == "," || $0.isNewline }.filter { !$0.allSatisfy(\.isWhitespace) }
        for (index, part) in parts.enumerated() {
            func refuse(_ problem: AccessError.ApiKeyProblem) -> AccessError {
                .apiKey(position: index + 1, problem)
            }
            guard index < Self.most else { throw refuse(.tooMany) }
            let fields = part.filter { !$0.isWhitespace }
                .split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count >= 2 else { throw refuse(.malformed) }
            let name = String(fields[0])
            guard Identifier.isPlain(name) else { throw refuse(.badName) }
            guard !entries.contains(where: { $0.grant.name == name }) else { throw refuse(.nameTwice) }
            guard let hash = Self.bytes(hexadecimal: fields[1]) else { throw refuse(.badHash) }
            var scopes = Set(ApiScope.allCases)
            if fields.count == 3 {
                let named = fields[2].split(separator: "+", omittingEmptySubsequences: false)
                    .map { ApiScope(rawValue: String($0)) }
                guard named.allSatisfy({ $0 != nil }) else { throw refuse(.unknownScope) }
                scopes = Set(named.compactMap(\.self))
            }
            entries.append(Entry(grant: ApiGrant(name: name, scopes: scopes), hash: hash))
        }
        self.entries = entries
    }

    /// Nil for an unknown key. Every entry is compared, whole: the time says nothing of how near a guess was, nor of
    /// which entry it met.
    package func grant(for presented: String) -> ApiGrant? {
        guard !presented.isEmpty, presented.utf8.count <= Self.longestKey else { return nil }
        let hash = Array(SHA256.hash(data: Array(presented.utf8)))
        var found: ApiGrant?
        for entry in entries {
            var difference: UInt8 = 0
            for (left, right) in zip(entry.hash, hash) { difference |= left ^ right }
            if difference == 0 { found = entry.grant }
        }
        return found
    }

    /// As `grant`, in the words of the configuration: what the web surface asks for.
    package func scopes(for presented: String) -> Set<String>? {
        grant(for: presented).map { Set($0.scopes.map(\.rawValue)) }
    }

    /// The 32 bytes of a SHA-256 in either case.
    private static func bytes(hexadecimal text: Substring) -> [UInt8]? {
        let digits = text.utf8.compactMap { byte -> UInt8? in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
            default: nil
            }
        }
        guard digits.count == 64, text.utf8.count == 64 else { return nil }
        return (0..<32).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
    }
}
