import InterviewCore

/// A journal entry as its row holds it: the `kind` column and the `body`, in the shapes that `Tests/Golden/Journal` keeps.
package enum JournalBody {
    package static func text(of entry: JournalEntry) throws(StoredValueError) -> String {
        switch entry {
        case .turn(let turn): try StoredJSON.text(of: turn)
        case .usage(let usage): try StoredJSON.text(of: usage)
        case .phase(let phase): try StoredJSON.text(of: phase)
        case .end(let end): try StoredJSON.text(of: end)
        case .note(let note): try StoredJSON.text(of: note)
        }
    }

    /// Nil for a kind that only a newer build knows.
    package static func entry(kind: String, body: String) throws(StoredValueError) -> JournalEntry? {
        guard let kind = JournalEntry.Kind(rawValue: kind) else { return nil }
        let column = "journal.\(kind.rawValue)"
        return switch kind {
        case .turn: .turn(try StoredJSON.value(Turn.self, from: body, column: column))
        case .usage: .usage(try StoredJSON.value(UsageEntry.self, from: body, column: column))
        case .phase: .phase(try StoredJSON.value(PhaseEntry.self, from: body, column: column))
        case .end: .end(try StoredJSON.value(EndEntry.self, from: body, column: column))
        case .note: .note(try StoredJSON.value(NoteEntry.self, from: body, column: column))
        }
    }
}
