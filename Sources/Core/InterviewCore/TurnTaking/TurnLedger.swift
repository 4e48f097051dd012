import DequeModule

/// Collects what each side says until it is complete, and hands it out in the order in which it began: the journal's
/// turns. An agent's turn never passes the participant's turn that it answers, or a crash between the two would make
/// the question be answered twice.
///
/// Complete means: a participant's turn is committed by the provider and its text is final (or has not come in
/// `textPatience`); an agent's turn has been played out or interrupted, and its text is final or will not come.
/// Positions are milliseconds since the conversation began.
package struct TurnLedger: Equatable, Sendable {
    /// How long a committed turn of the participant waits for its text; the workers fill in a missing one.
    package static let textPatience: Duration = .seconds(5)
    /// The same while no answer to it has been heard: a provider that fell silent over it (`AnswerWatch.patience`) is
    /// replaced, the next one hears the turn again, and it must not stand twice.
    package static let unansweredTextPatience: Duration = .seconds(15)
    /// More turns than this are never open at once; the oldest is handed out as it is.
    package static let mostOpen = 64

    private struct Open: Equatable, Sendable {
        var key: String
        var turn: Turn
        /// The participant's turn is part of the conversation.
        var committedAt: Duration?
        var textIsFinal = false
        /// Its first frame has been sent.
        var isAudible = false
        /// The agent's turn has been heard, or as much of it as will be.
        var isOver = false
    }

    private var open: Deque<Open> = []
    package var phase: String?

    package init(phase: String? = nil) { self.phase = phase }

    package var isEmpty: Bool { open.isEmpty }

    /// What is said but not yet handed out: committed turns of the participant and what is heard of the agent's.
    package var pending: [Turn] {
        open.filter { $0.turn.speaker == .agent ? $0.isAudible : $0.committedAt != nil }.map(\.turn)
    }

    /// A participant's turn that waits for its text or its end.
    package var participantIsOwed: Bool { open.contains { $0.turn.speaker == .participant } }

    /// The first capture time that is not in a handed-out turn, if a turn is open.
    package var earliestOpenCapture: UInt32? { open.first { $0.turn.speaker == .participant }?.turn.captureStart }
}

// MARK: - The participant
extension TurnLedger {
    /// - Parameters:
    ///   - key: the provider's item id.
    ///   - item: ours.
    package mutating func participantStarted(
        key: String, item: String, at start: Int64, captureStart: UInt32?, client: String?
    ) {
        guard !isOpen(key) else { return }
        let turn = Turn(
            speaker: .participant, item: item, text: nil, startMilliseconds: start, endMilliseconds: start,
            captureStart: captureStart, captureEnd: captureStart, client: client, phase: phase)
        open.append(Open(key: key, turn: turn))
    }

    package mutating func participantStopped(key: String, at end: Int64, captureEnd: UInt32?) {
        guard let index = index(of: key, .participant) else { return }
        open[index].turn.endMilliseconds = max(end, open[index].turn.startMilliseconds)
        open[index].turn.captureEnd = captureEnd
    }

    package mutating func participantCommitted(key: String, at now: Duration) {
        guard let index = index(of: key, .participant), open[index].committedAt == nil else { return }
        open[index].committedAt = now
    }

    /// Our id of the turn, for the `transcript` message; nil when it has been handed out already.
    package mutating func participantTranscribed(key: String, text: String, final: Bool) -> String? {
        guard let index = index(of: key, .participant), !open[index].textIsFinal else { return nil }
        open[index].turn.text = text
        open[index].textIsFinal = final
        return open[index].turn.item
    }

    /// There will be no text.
    package mutating func participantTranscriptFailed(key: String) {
        guard let index = index(of: key, .participant) else { return }
        open[index].textIsFinal = true
    }
}

// MARK: - The agent
extension TurnLedger {
    package mutating func agentStarted(key: String, item: String, at start: Int64) {
        guard !isOpen(key) else { return }
        let turn = Turn(
            speaker: .agent, item: item, text: nil, startMilliseconds: start, endMilliseconds: start, phase: phase)
        open.append(Open(key: key, turn: turn))
    }

    /// The first frame went out: only now is it known when the utterance began for the participant.
    package mutating func agentAudible(key: String, at start: Int64) {
        guard let index = index(of: key, .agent), !open[index].isOver else { return }
        open[index].turn.startMilliseconds = start
        open[index].isAudible = true
    }

    package mutating func agentTranscribed(key: String, text: String, final: Bool) -> String? {
        guard let index = index(of: key, .agent), !open[index].textIsFinal else { return nil }
        open[index].turn.text = text
        open[index].textIsFinal = final
        return open[index].turn.item
    }

    /// Played out (`heard` nil) or interrupted after `heard` milliseconds. Nothing heard at all: it never happened.
    package mutating func agentEnded(key: String, at end: Int64, heard: Int64?) {
        guard let index = index(of: key, .agent), !open[index].isOver else { return }
        if heard == 0 {
            open.remove(at: index)
            return
        }
        open[index].turn.endMilliseconds = max(end, open[index].turn.startMilliseconds)
        open[index].turn.heardMilliseconds = heard
        open[index].isOver = true
        // An interrupted answer's remaining text is of no interest, and may never come.
        if heard != nil { open[index].textIsFinal = true }
    }

    /// The provider said that the answer has ended: text that has not come by now will not.
    package mutating func agentAnswerFinished(keys: some Sequence<String>) {
        for key in keys {
            if let index = index(of: key, .agent) { open[index].textIsFinal = true }
        }
    }

    /// Forgets an item that never became audible.
    package mutating func agentDropped(key: String) {
        guard let index = index(of: key, .agent), !open[index].isOver else { return }
        open.remove(at: index)
    }
}

// MARK: - Handing out
extension TurnLedger {
    /// The complete turns at the head, oldest first. Call it after every event and at least each 100 ms.
    package mutating func due(at now: Duration) -> [Turn] {
        var turns: [Turn] = []
        while let head = open.first, isComplete(head, at: now) || open.count > Self.mostOpen {
            turns.append(head.turn)
            open.removeFirst()
        }
        return turns
    }

    /// The connection to the provider is gone: a turn that it had not committed is not part of the conversation,
    /// an answer is as long as it was heard. `heardAgain`: turns whose sound the next connection is given.
    package mutating func providerLost(heardAgain: some Collection<String> = EmptyCollection()) {
        open.removeAll { entry in
            guard entry.turn.speaker == .participant else { return false }
            return entry.committedAt == nil || (!entry.textIsFinal && heardAgain.contains(entry.key))
        }
        for index in open.indices where open[index].turn.speaker == .agent { open[index].textIsFinal = true }
    }

    /// The conversation is over: everything committed or heard, oldest first.
    package mutating func close() -> [Turn] {
        let turns = open.filter { entry in
            switch entry.turn.speaker {
            case .participant: entry.committedAt != nil
            case .agent: entry.isOver
            }
        }
        open.removeAll()
        return turns.map(\.turn)
    }

    private func isComplete(_ entry: Open, at now: Duration) -> Bool {
        switch entry.turn.speaker {
        case .participant:
            guard let committedAt = entry.committedAt else { return false }
            let isAnswered = open.contains { $0.turn.speaker == .agent && $0.isAudible }
            let patience = isAnswered ? Self.textPatience : Self.unansweredTextPatience
            return entry.textIsFinal || now - committedAt >= patience
        case .agent: return entry.isOver && entry.textIsFinal
        }
    }

    private func isOpen(_ key: String) -> Bool { open.contains { $0.key == key } }

    /// Ids are the provider's: one that it gives to both sides is that of the turn which began first.
    private func index(of key: String, _ speaker: Speaker) -> Int? {
        open.firstIndex { $0.key == key && $0.turn.speaker == speaker }
    }
}
