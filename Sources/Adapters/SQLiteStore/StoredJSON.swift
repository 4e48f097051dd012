import Foundation
import InterviewCore
import Ports

/// Values as the store keeps them: JSON with sorted keys, so that equal values are equal text, and readable by other
/// builds, which ignore keys that they do not know.
enum StoredJSON {
    static func text(of value: some Encodable) throws(StoreError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw .corrupt(code: "encoding")
        }
    }

    /// `code` names the column in the error.
    static func value<Value: Decodable>(
        _ type: Value.Type, from text: String, code: String
    ) throws(StoreError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw .corrupt(code: code)
        }
    }
}

/// A journal entry as its row holds it: the `kind` column and the `body`.
enum JournalBody {
    static func text(of entry: JournalEntry) throws(StoreError) -> String {
        switch entry {
        case .turn(let turn): try StoredJSON.text(of: turn)
        case .usage(let usage): try StoredJSON.text(of: usage)
        case .phase(let phase): try StoredJSON.text(of: phase)
        case .end(let end): try StoredJSON.text(of: end)
        case .note(let note): try StoredJSON.text(of: note)
        }
    }

    /// Nil for a kind that only a newer build knows.
    static func entry(kind: String, body: String) throws(StoreError) -> JournalEntry? {
        guard let kind = JournalEntry.Kind(rawValue: kind) else { return nil }
        let code = "journal.\(kind.rawValue)"
        return switch kind {
        case .turn: .turn(try StoredJSON.value(Turn.self, from: body, code: code))
        case .usage: .usage(try StoredJSON.value(UsageEntry.self, from: body, code: code))
        case .phase: .phase(try StoredJSON.value(PhaseEntry.self, from: body, code: code))
        case .end: .end(try StoredJSON.value(EndEntry.self, from: body, code: code))
        case .note: .note(try StoredJSON.value(NoteEntry.self, from: body, code: code))
        }
    }
}
