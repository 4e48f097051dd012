/// What a provider connection's log says is over and must have been written.
enum FinishedTurns {
    /// The participant's turns with their transcript, in the order of their commits up to the first without one (the
    /// journal keeps that order), and the agent's that the participant heard to the end: they began to speak after it.
    static func texts(_ witness: SimulatorWitness, _ connection: Int, before: Double) -> [String] {
        let transcripts = Dictionary(
            witness.of(connection, "user_transcript").filter { $0.ms < before }.map { ($0.item ?? "", $0.text ?? "") },
            uniquingKeysWith: { first, _ in first })
        var texts: [String] = []
        var waits: Double?
        for turn in witness.of(connection, "committed") {
            guard let text = transcripts[turn.item ?? ""] else {
                waits = turn.ms
                break
            }
            texts.append(text)
        }
        // The last may wait behind an answer that is still being played.
        return Array(texts.dropLast()) + answers(witness, connection, before: min(before, waits ?? before))
    }

    private static func answers(_ witness: SimulatorWitness, _ connection: Int, before: Double) -> [String] {
        let takenBack = takenBack(witness, connection)
        let lastSpeech = witness.of(connection, "speech_started").last { $0.ms < before }?.ms ?? 0
        // The participant's last turn before that speech may still wait for its text, and the answer with it.
        return witness.of(connection, "said")
            .filter { $0.ms < lastSpeech && $0.complete != false && !takenBack.contains($0.item ?? "") }
            .compactMap(\.text).filter { !$0.isEmpty }
    }

    /// Answer N belongs to turn N. One that nobody heard (taken back) or that was broken off may be given again.
    static func saidTwice(_ witness: SimulatorWitness, _ connection: Int) -> Int {
        let takenBack = takenBack(witness, connection)
        let said = witness.of(connection, "said").filter { !takenBack.contains($0.item ?? "") }
            .compactMap(\.text).filter { !$0.isEmpty }
        return said.count - Set(said).count
    }

    private static func takenBack(_ witness: SimulatorWitness, _ connection: Int) -> Set<String> {
        Set((witness.of(connection, "item_deleted") + witness.of(connection, "truncated")).compactMap(\.item))
    }
}
