/// What a provider has to be told of a conversation that began elsewhere or on an earlier connection.
package enum ConversationContext {
    /// Most turns that are told; older ones are left out, the last words matter most.
    package static let mostTurns = 400

    package struct Line: Equatable, Sendable {
        package var speaker: Speaker
        package var text: String
        package init(speaker: Speaker, text: String) {
            self.speaker = speaker
            self.text = text
        }
    }

    /// The spoken lines of `turns`, oldest first. A turn without text is left out; of an interrupted answer only what
    /// was heard is told.
    package static func lines(of turns: some Collection<Turn>) -> [Line] {
        turns.suffix(mostTurns).compactMap { turn in
            guard let text = turn.text, !text.isEmpty else { return nil }
            guard turn.speaker == .agent, let heard = turn.heardMilliseconds else {
                return Line(speaker: turn.speaker, text: text)
            }
            let told = heardPart(of: text, heard: heard, spoken: turn.endMilliseconds - turn.startMilliseconds)
            return told.isEmpty ? nil : Line(speaker: .agent, text: told)
        }
    }

    /// An answer is owed when the participant spoke last.
    package static func answerIsOwed(after turns: some BidirectionalCollection<Turn>) -> Bool {
        turns.last?.speaker == .participant
    }

    /// Speech runs at about 15 characters a second; the cut falls on a word's end.
    private static func heardPart(of text: String, heard: Int64, spoken: Int64) -> String {
        let perSecond = 15.0
        let total = max(Double(text.count) / perSecond * 1_000, Double(max(spoken, 1)))
        let share = min(1, Double(heard) / total)
        guard share < 1 else { return text }
        let cut = text.prefix(Int(Double(text.count) * share))
        guard let space = cut.lastIndex(where: \.isWhitespace) else { return "" }
        return String(cut[..<space])
    }
}
