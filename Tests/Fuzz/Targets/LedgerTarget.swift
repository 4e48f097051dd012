import InterviewCore

/// `TurnLedger`, told of any events of two sides in any order, with ids that both sides may use.
///
/// Invariants: turns are handed out in the order in which they began, each once; none ends before it begins; nothing is
/// handed out that was never said; a committed turn of the participant is handed out in the end, whatever else is told;
/// what was said becomes a context that can be told; no more than `mostOpen` stay open.
final class LedgerTarget: FuzzTarget {
    let name = "ledger"
    let share = 350
    let longestInput = 2_048

    let seeds: [[UInt8]] = [
        [0x00, 1, 0x10, 1, 9, 0x20, 1, 0x30, 1, 0x41, 2, 0x51, 2, 0x61, 2, 0x80, 2, 0xE0, 9, 0xF0],
        [0x40, 1, 0x50, 1, 0x00, 2, 0x20, 2, 0x80, 1, 0x90, 0x30, 2, 0xA0, 0xC0, 0xE0, 0xBB],
    ]

    func generate(_ random: inout Random) -> [UInt8] { random.bytes(random.length(upTo: 400)) }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        var program = Program(input)
        var witness = LedgerWitness()
        while let instruction = program.instruction() { try witness.follow(instruction, &program) }
        try witness.close()
        return witness.handedOut > 0 ? .accepted : .refused
    }
}

/// What was told to a ledger, and what it made of it.
struct LedgerWitness {
    private var ledger = TurnLedger(phase: "opening")
    private var now: Duration = .zero
    private var position: Int64 = 0
    /// Items in the order in which they began.
    private var begun = 0
    private var last = -1
    /// The present item of each key, while it has not been handed out.
    private var items: [Int: (item: Int, speaker: Speaker)] = [:]
    /// Items of the participant that were committed and are not handed out.
    private var committed: Set<Int> = []
    private(set) var handedOut = 0

    mutating func follow(_ instruction: UInt8, _ program: inout Program) throws(Broken) {
        let isTime = instruction >> 4 >= 14
        let key = isTime ? 0 : program.below(12)
        let name = "key-\(key)"
        position += Int64(instruction & 15) * 100
        switch instruction >> 4 {
        case 0, 1: begin(key, .participant)
        case 2:
            ledger.participantStopped(
                key: name, at: position + Int64(Int8(bitPattern: UInt8(program.byte()))) * 100, captureEnd: 7)
        case 3: commit(key)
        case 4: _ = ledger.participantTranscribed(key: name, text: "Yes, \(key).", final: instruction & 1 == 1)
        case 5: ledger.participantTranscriptFailed(key: name)
        case 6, 7: begin(key, .agent)
        case 8: ledger.agentAudible(key: name, at: position)
        case 9: _ = ledger.agentTranscribed(key: name, text: "And what did you do then?", final: instruction & 1 == 1)
        case 10: ledger.agentEnded(key: name, at: position, heard: nil)
        case 11: ledger.agentEnded(key: name, at: position, heard: Int64(program.byte()) * 10)
        case 12:
            ledger.agentAnswerFinished(keys: [name, "key-\(program.below(12))"])
            if instruction & 1 == 1 { ledger.agentDropped(key: name) }
        case 13:
            if instruction & 7 == 7 { loseProvider(heardAgain: instruction & 8 == 8 ? [name] : []) }
        default: now += program.timePassed()
        }
        try hand(ledger.due(at: now))
        try expect(ledger.pending.count <= TurnLedger.mostOpen, "no more than that many stay open")
        let lines = ConversationContext.lines(of: ledger.pending)
        try expect(lines.allSatisfy { !$0.text.isEmpty }, "a line of the context says something")
    }

    mutating func close() throws(Broken) {
        try hand(ledger.close())
        try expect(ledger.isEmpty && ledger.pending.isEmpty, "a closed ledger is empty")
        try expect(committed.isEmpty, "a committed turn is handed out in the end")
    }

    private mutating func begin(_ key: Int, _ speaker: Speaker) {
        let item = begun
        let name = "key-\(key)"
        let before = ledger
        switch speaker {
        case .participant:
            ledger.participantStarted(key: name, item: String(item), at: position, captureStart: 5, client: "page")
        case .agent: ledger.agentStarted(key: name, item: String(item), at: position)
        }
        // An open key is not begun again.
        guard ledger != before else { return }
        begun += 1
        items[key] = (item, speaker)
    }

    /// What the next provider hears again is not handed out by this one.
    private mutating func loseProvider(heardAgain: [String]) {
        ledger.providerLost(heardAgain: heardAgain)
        committed.formIntersection(ledger.pending.compactMap { Int($0.item) })
    }

    private mutating func commit(_ key: Int) {
        let before = ledger
        ledger.participantCommitted(key: "key-\(key)", at: now)
        if ledger != before, let (item, speaker) = items[key], speaker == .participant { committed.insert(item) }
    }

    private mutating func hand(_ turns: [Turn]) throws(Broken) {
        for turn in turns {
            let item = Int(turn.item) ?? -1
            try expect(item > last && item < begun, "turns are handed out in the order in which they began, each once")
            last = item
            try expect(turn.endMilliseconds >= turn.startMilliseconds, "a turn does not end before it begins")
            try expect(turn.heardMilliseconds != 0, "what nobody heard never happened")
            if turn.speaker == .participant {
                try expect(turn.heardMilliseconds == nil, "only an agent is heard in part")
                committed.remove(item)
            }
            handedOut += 1
        }
        _ = ConversationContext.lines(of: turns)
        _ = ConversationContext.answerIsOwed(after: turns)
    }
}
