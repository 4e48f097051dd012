import Foundation

/// A value that a store cannot keep or give back.
package enum StoredValueError: Error, Sendable, Hashable {
    case encoding
    /// `column`: where it stands, never what.
    case unreadable(column: String)

    /// One word for `StoreError.corrupt`.
    package var code: String {
        switch self {
        case .encoding: "encoding"
        case .unreadable(let column): column
        }
    }
}

/// Values as every store keeps them: JSON with sorted keys, so that equal values are equal text, and readable by other
/// builds, which ignore keys that they do not know.
package enum StoredJSON {
    package static func text(of value: some Encodable) throws(StoredValueError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw .encoding
        }
    }

    /// `column` names the place in the error.
    package static func value<Value: Decodable>(
        _ type: Value.Type, from text: String, column: String
    ) throws(StoredValueError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw .unreadable(column: column)
        }
    }
}
