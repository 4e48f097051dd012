import InterviewCore
import Testing

@Suite struct SeatPolicyTests {
    typealias Load = SeatPolicy.Load
    typealias Timing = SeatPolicy.LoopTiming

    /// Two loops of ten seats: 20 in all, 18 for newcomers.
    static let policy = SeatPolicy(seatsPerLoop: 10, loops: 2)
    static let good = Timing(lagP99: .milliseconds(20), samples: 2_000, still: .milliseconds(100))
    static let late = Timing(lagP99: .milliseconds(21), samples: 2_000)
    static let hiccup = Timing(lagP99: .milliseconds(500), samples: SeatPolicy.leastSamples - 1)
    static let stuck = Timing(lagP99: .zero, samples: 2_000, still: .milliseconds(251))

    struct Row: Sendable, CustomStringConvertible {
        var description: String
        var load: Load
        var newcomer: SeatPolicy.OnArrival
        var returning: SeatPolicy.OnArrival
        var reasons: [SeatPolicy.Reason]
    }

    static func row(
        _ name: String, _ seated: [Int], _ timings: [Timing] = [good, good], memory: Double? = 0.5,
        newcomer: SeatPolicy.OnArrival, returning: SeatPolicy.OnArrival, _ reasons: [SeatPolicy.Reason] = []
    ) -> Row {
        Row(
            description: name, load: Load(seated: seated, timings: timings, memoryShare: memory), newcomer: newcomer,
            returning: returning, reasons: reasons)
    }

    static let rows = [
        row("empty", [0, 0], newcomer: .seat(loop: 0), returning: .seat(loop: 0)),
        row("to the emptier loop", [4, 3], newcomer: .seat(loop: 1), returning: .seat(loop: 1)),
        row("the last seat for newcomers", [9, 8], newcomer: .seat(loop: 1), returning: .seat(loop: 1)),
        row("a tenth is kept", [9, 9], newcomer: .refuse(.full), returning: .seat(loop: 0), [.full]),
        row("all but one", [10, 9], newcomer: .refuse(.full), returning: .seat(loop: 1), [.full]),
        row("all", [10, 10], newcomer: .refuse(.full), returning: .refuse(.full), [.full]),
        row("the emptier loop is late", [2, 1], [good, late], newcomer: .seat(loop: 0), returning: .seat(loop: 0)),
        row("the emptier loop is stuck", [1, 0], [good, stuck], newcomer: .seat(loop: 0), returning: .seat(loop: 0)),
        row(
            "both are late", [2, 1], [late, late], newcomer: .refuse(.loopLag), returning: .seat(loop: 1), [.loopLag]),
        row(
            "late and stuck", [2, 1], [late, stuck], newcomer: .refuse(.loopLag), returning: .seat(loop: 1), [.loopLag]
        ),
        row("an idle loop's hiccup", [0, 0], [hiccup, hiccup], newcomer: .seat(loop: 0), returning: .seat(loop: 0)),
        row(
            "the punctual loop has no seat left", [10, 1], [good, late], newcomer: .refuse(.loopLag),
            returning: .seat(loop: 1), [.loopLag]),
        row("memory at its limit", [0, 0], memory: 0.85, newcomer: .seat(loop: 0), returning: .seat(loop: 0)),
        row("memory above", [0, 0], memory: 0.86, newcomer: .refuse(.memory), returning: .seat(loop: 0), [.memory]),
        row("memory unknown", [0, 0], memory: nil, newcomer: .seat(loop: 0), returning: .seat(loop: 0)),
        row(
            "everything at once", [9, 9], [late, late], memory: 1, newcomer: .refuse(.full), returning: .seat(loop: 0),
            [.full, .memory, .loopLag]),
        row("no loop at all", [], [], newcomer: .refuse(.loopLag), returning: .refuse(.full)),
    ]

    @Test("who is seated where, who is refused and why", arguments: rows)
    func table(row: Row) {
        #expect(Self.policy.arrived(.newcomer, at: row.load) == row.newcomer)
        #expect(Self.policy.arrived(.returning, at: row.load) == row.returning)
        #expect(Self.policy.reasons(at: row.load) == row.reasons)
    }

    @Test(
        "the share kept for rejoins is rounded down, so that a small process takes newcomers",
        arguments: [(1, 10, 1), (9, 10, 9), (10, 10, 9), (100, 10, 90), (100, 0, 100), (3, 50, 2)])
    func kept(seats: Int, percent: Int, forNewcomers: Int) {
        #expect(SeatPolicy(seatsPerLoop: seats, keptPercent: percent).seatsForNewcomers == forNewcomers)
    }
}
