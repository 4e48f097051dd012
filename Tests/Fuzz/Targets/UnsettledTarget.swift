import InterviewCore

/// `UnsettledSound` while a provider says anything about any turn: what is kept of the participant's sound for the
/// connection after this one. Samples are numbered, so that what comes back can be placed. A low rate keeps it cheap.
///
/// Invariants: no more turns are open than the limit; what comes back is the end of what was given, without a gap, and
/// no longer than the longest turn; the last two seconds are in it, unless they are settled; nothing comes back twice.
final class UnsettledTarget: FuzzTarget {
    let name = "unsettled"
    let share = 200
    let longestInput = 1_024

    let seeds: [[UInt8]] = [
        [0x05, 0x40, 0, 0, 10, 0x0F, 0x50, 0, 0, 20, 0x03, 0x60, 0, 0x80],
        [0x0F, 0x0F, 0x0F, 0x41, 2, 1, 0x51, 2, 2, 0x70, 0x90, 0x0F, 0x80, 0x01, 0x80],
    ]

    func generate(_ random: inout Random) -> [UInt8] { random.bytes(random.length(upTo: 200)) }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        var program = Program(input)
        var keeper = SoundKeeper()
        while let instruction = program.instruction() { try keeper.follow(instruction, &program) }
        try keeper.reopen(full: false)
        return keeper.turns > 0 ? .accepted : .refused
    }
}

struct SoundKeeper {
    private static let rate = 100
    private static let quiet = 2 * rate
    private static let longest = 30 * rate

    private var sound = UnsettledSound(rate: rate)
    /// Number of the next sample.
    private var next: Int16 = 0
    /// Samples that this connection was given.
    private var given = 0
    private var anythingSettled = false
    private(set) var turns = 0

    mutating func follow(_ instruction: UInt8, _ program: inout Program) throws(Broken) {
        let key = "item-\(instruction & 15)"
        switch instruction >> 4 {
        case 0...3:
            // Up to 1.6 s.
            let samples = (0...Int(instruction & 15) * 10).map { next &+ Int16(truncatingIfNeeded: $0) }
            next = next &+ Int16(truncatingIfNeeded: samples.count)
            given += samples.count
            sound.gave(samples[...])
        case 4, 5:
            sound.turnBegan(key, at: milliseconds(&program))
            turns += 1
        case 6, 7: sound.turnEnded(key, at: milliseconds(&program))
        case 8, 9:
            sound.turnSettled(key)
            anythingSettled = true
        case 10:
            sound.answered()
            anythingSettled = true
        case 11: try reopen(full: instruction & 1 == 1)
        default: break
        }
        try expect(sound.openTurns.count <= 8, "no more turns are open than the limit")
        try expect(Set(sound.openTurns).count == sound.openTurns.count, "a turn is open once")
    }

    private mutating func milliseconds(_ program: inout Program) -> Int {
        program.flag() ? Int(clamping: program.wildNumber()) : program.byte() * 100
    }

    /// The connection is gone. `full`: the next one is given what was kept, else it begins with nothing.
    mutating func reopen(full: Bool) throws(Broken) {
        let kept = sound.taken()
        try expect(kept.count <= min(given, Self.longest), "no more is kept than was given, and than the longest turn")
        if !anythingSettled { try expect(kept.count >= min(given, Self.quiet), "the last two seconds are kept") }
        for (index, sample) in kept.enumerated() {
            let number = next &- Int16(truncatingIfNeeded: kept.count - index)
            try expect(sample == number, "what is kept is the end of what was given, without a gap")
        }
        try expect(sound.taken().isEmpty && sound.openTurns.isEmpty, "nothing comes back twice")
        sound.opened(with: full ? kept : [])
        given = full ? kept.count : 0
        anythingSettled = false
    }
}
