/// Where finished files are kept for good. A folder now; whatever else keeps objects passes the same contract.
package protocol ObjectStore: Sendable {
    /// Keeps the bytes of the file at path `file` under `key`: whole and durable when it returns, never seen in part.
    /// The same bytes again are no error; other bytes under a key that is taken are `.conflict`, and the first stay.
    /// May take long; never called on a loop's thread.
    func put(file: String, as key: ObjectKey) async throws(ObjectStoreError)
}

package enum ObjectStoreError: Error, Sendable, Hashable {
    /// It does not answer, or is full; worth another try. `code` is the library's or system's own, never data.
    case unavailable(code: String)
    /// The key holds something else.
    case conflict
    /// The file is not there, or may not be read.
    case unreadable(code: String)
}

/// An object's name: one to eight parts with `/` between them, each 1 to 128 characters of `[A-Za-z0-9_.-]` and not
/// beginning with a full stop, so that no key ever leaves a folder.
package struct ObjectKey: Sendable, Hashable, CustomStringConvertible {
    package static let mostParts = 8
    package static let longestPart = 128

    package let text: String

    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...Self.mostParts).contains(parts.count), parts.allSatisfy(Self.isPart) else { return nil }
        self.text = text
    }

    private static func isPart(_ part: Substring) -> Bool {
        guard (1...longestPart).contains(part.utf8.count), part.first != "." else { return false }
        return part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    package var description: String { text }
}
