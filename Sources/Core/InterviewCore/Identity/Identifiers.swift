/// One conversation, for its whole life and over all its owners. Text as it stands in URLs, rows and tokens:
/// 1 to 64 characters of `[A-Za-z0-9_-]`.
package struct SessionID: Hashable, Sendable, Codable, CustomStringConvertible, Comparable {
    package let text: String

    /// Nil when `text` is empty, longer than 64 characters or has another character than `[A-Za-z0-9_-]`.
    package init?(_ text: some StringProtocol) {
        guard Identifier.isPlain(text) else { return nil }
        self.text = String(text)
    }

    package var description: String { text }
    package static func < (left: SessionID, right: SessionID) -> Bool { left.text < right.text }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let id = SessionID(text) else { throw Identifier.malformed(decoder) }
        self = id
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// A researcher's study. The same alphabet as `SessionID`.
package struct StudyID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let text: String

    package init?(_ text: some StringProtocol) {
        guard Identifier.isPlain(text) else { return nil }
        self.text = String(text)
    }

    package var description: String { text }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let id = StudyID(text) else { throw Identifier.malformed(decoder) }
        self = id
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// One start of one process; never the host name, so that a restarted process is somebody else.
package struct InstanceID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let text: String
    package init(_ text: String) { self.text = text }
    package var description: String { text }

    package init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// The alphabet that identifiers in paths and tokens keep to, so that none ever needs quoting.
package enum Identifier {
    package static let longest = 64

    package static func isPlain(_ text: some StringProtocol) -> Bool {
        let bytes = text.utf8
        guard !bytes.isEmpty, bytes.count <= longest else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    static func malformed(_ decoder: any Decoder) -> DecodingError {
        .dataCorrupted(
            .init(
                codingPath: decoder.codingPath,
                debugDescription: "an identifier is 1 to 64 characters of A-Z a-z 0-9 _ -"))
    }
}
