import InterviewCore
import Testing

@Suite("BudgetMeter")
struct BudgetMeterTests {
    /// A meter of 1,000 micro-dollars in each of its states.
    private static func meter(_ state: BudgetMeter.State) -> BudgetMeter {
        var meter = BudgetMeter(limitMicros: 1_000)
        switch state {
        case .spending: break
        case .wrappingUp: _ = meter.spent(900, response: "before")
        case .exhausted: _ = meter.spent(1_000, response: "before")
        }
        return meter
    }

    /// state before · micros · response · answer · state after
    static let table: [(BudgetMeter.State, Int64, String, BudgetMeter.OnSpent, BudgetMeter.State)] = [
        (.spending, 0, "a", .fine, .spending),
        (.spending, 899, "a", .fine, .spending),
        (.spending, 900, "a", .wrapUp, .wrappingUp),
        (.spending, 999, "a", .wrapUp, .wrappingUp),
        (.spending, 1_000, "a", .end, .exhausted),
        (.spending, .max, "a", .end, .exhausted),
        (.spending, -5, "a", .fine, .spending),
        (.wrappingUp, 0, "a", .fine, .wrappingUp),
        (.wrappingUp, 99, "a", .fine, .wrappingUp),
        (.wrappingUp, 100, "a", .end, .exhausted),
        (.wrappingUp, .max, "a", .end, .exhausted),
        (.wrappingUp, 500, "before", .counted, .wrappingUp),
        (.exhausted, 1, "a", .fine, .exhausted),
        (.exhausted, .max, "a", .fine, .exhausted),
        (.exhausted, 1, "before", .counted, .exhausted),
    ]

    @Test("each state answers each spending as the table says", arguments: table.indices)
    func spending(index: Int) {
        let (before, micros, response, answer, after) = Self.table[index]
        var meter = Self.meter(before)
        let spentBefore = meter.spentMicros
        let said = meter.spent(micros, response: response)
        #expect(said == answer)
        #expect(meter.state == after)
        let added = answer == .counted ? 0 : max(micros, 0)
        #expect(meter.spentMicros == (spentBefore.addingReportingOverflow(added).overflow ? .max : spentBefore + added))
    }

    @Test(
        "a session that goes on is told at once what is behind it, and only once",
        arguments: [
            (Int64(0), BudgetMeter.OnSpent.fine), (899, .fine), (900, .wrapUp), (1_000, .end), (5_000, .end),
        ])
    func resumed(spent: Int64, answer: BudgetMeter.OnSpent) {
        var meter = BudgetMeter(limitMicros: 1_000, spentMicros: spent)
        let first = meter.resumed()
        let second = meter.resumed()
        #expect(first == answer)
        #expect(second == .fine)
    }

    @Test("responses of earlier owners are not counted again")
    func earlier() {
        var meter = BudgetMeter(limitMicros: 1_000, spentMicros: 300, responses: ["one", "two"])
        let said = meter.spent(300, response: "two")
        #expect(said == .counted)
        #expect(meter.spentMicros == 300)
        #expect(meter.remainingMicros == 700)
    }

    @Test("more ids than are kept forget the oldest, never the latest")
    func limit() {
        var meter = BudgetMeter(limitMicros: .max)
        for number in 0...BudgetMeter.maxResponses { _ = meter.spent(1, response: "r\(number)") }
        let said = ["r\(BudgetMeter.maxResponses)", "r1", "r0"].map { meter.spent(1, response: $0) }
        #expect(said == [.counted, .counted, .fine])
    }

    @Test("a limit of nothing ends at once, and 90 % of the largest does not overflow")
    func extremes() {
        var none = BudgetMeter(limitMicros: -1)
        let said = none.resumed()
        #expect(said == .end)
        #expect(BudgetMeter(limitMicros: .max).wrapUpMicros == 8_301_034_833_169_298_226)
        #expect(BudgetMeter(limitMicros: 15_000_000).wrapUpMicros == 13_500_000)
        #expect(BudgetMeter(limitMicros: 15).wrapUpMicros == 13)
    }
}
