import InterviewCore
import Testing

/// At 1,000 samples a second, so that a sample is a millisecond; each has its position as its value.
@Suite struct UnsettledSoundTests {
    private struct Line {
        var sound = UnsettledSound(rate: 1_000)
        var position = 0

        mutating func gives(_ milliseconds: Int) {
            for _ in 0..<(milliseconds / 20) {
                let samples = (position..<(position + 20)).map { Int16(truncatingIfNeeded: $0) }
                sound.gave(samples[...])
                position += 20
            }
        }
        /// Positions of what the next connection is given.
        mutating func lost() -> Range<Int> {
            let samples = sound.taken()
            guard let first = samples.first else { return 0..<0 }
            return Int(first)..<(Int(first) + samples.count)
        }
    }

    @Test("of quiet only the last two seconds are given again")
    func quiet() {
        var line = Line()
        line.gives(10_000)
        #expect(line.sound.openTurns.isEmpty)
        #expect(line.lost() == 8_000..<10_000)
    }

    @Test("a turn that is being spoken is given again from its beginning")
    func speaking() {
        var line = Line()
        line.gives(5_000)
        line.sound.turnBegan("u1", at: 4_700)
        line.gives(5_000)
        #expect(line.sound.openTurns == ["u1"])
        #expect(line.lost() == 4_700..<10_000)
    }

    @Test("a turn that has its text is not given again, what follows it is")
    func settled() {
        var line = Line()
        line.gives(2_000)
        line.sound.turnBegan("u1", at: 1_000)
        line.sound.turnEnded("u1", at: 1_900)
        line.sound.turnSettled("u1")
        #expect(line.lost() == 1_900..<2_000)
    }

    @Test("an answer settles the turns that have ended, not the one that is being spoken")
    func answered() {
        var line = Line()
        line.gives(6_000)
        line.sound.turnBegan("u1", at: 5_100)
        line.sound.turnEnded("u1", at: 5_400)
        line.sound.turnBegan("u2", at: 5_800)
        line.sound.answered()
        #expect(line.sound.openTurns == ["u2"])
        #expect(line.lost() == 5_400..<6_000)
    }

    @Test("of a turn without end the last thirty seconds are kept, and memory stays bounded")
    func endless() {
        var line = Line()
        line.sound.turnBegan("u1", at: 0)
        line.gives(32_000)
        #expect(line.lost() == 2_000..<32_000)
    }

    @Test("what was given again stays until its turn is found, or for three seconds")
    func again() {
        var found = Line()
        found.sound.opened(with: (0..<4_000).map { Int16($0) })
        found.position = 4_000
        found.gives(2_000)
        found.sound.turnBegan("u1", at: 300)
        found.gives(2_000)
        #expect(found.lost() == 300..<8_000)
        var silent = Line()
        silent.sound.opened(with: (0..<4_000).map { Int16($0) })
        silent.position = 4_000
        silent.gives(3_000)
        #expect(silent.lost() == 5_000..<7_000)
    }

    @Test("positions that no provider can know are taken as the nearest that it can")
    func nonsense() {
        var line = Line()
        line.gives(2_000)
        line.sound.turnBegan("u1", at: .min)
        line.sound.turnBegan("u2", at: .max)
        line.sound.turnEnded("u1", at: .max)
        line.sound.turnEnded("nobody", at: 1)
        for number in 0..<20 { line.sound.turnBegan("x\(number)", at: 1_000) }
        #expect(line.sound.openTurns.count == 8)
        line.gives(2_000)
        #expect(line.lost() == 1_000..<4_000)
    }
}
