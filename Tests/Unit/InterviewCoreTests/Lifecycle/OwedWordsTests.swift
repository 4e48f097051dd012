import InterviewCore
import Testing

/// What the agent has to say by itself is not forgotten when it cannot be said at once.
@Suite("SessionLifecycle: owed words")
struct OwedWordsTests {
    @Test("a question that could not be put is due again, and once it is put no more")
    func stillThere() {
        var cycle = SessionLifecycleTests.make(.live)
        for second in 62...70 {
            #expect(cycle.ticked(at: .seconds(second)) == .askStillThere)
            cycle.stillThereWasNotAsked()
        }
        #expect(cycle.ticked(at: .seconds(71)) == .askStillThere)
        #expect(cycle.ticked(at: .seconds(72)) == .nothing)
        #expect(cycle.ticked(at: .seconds(122)) == .end(EndEntry(reason: .idleTimeout)))
    }

    @Test("a wrap-up that could not begin is due again, whether time or money asked for it", arguments: [true, false])
    func wrapUp(money: Bool) {
        var cycle = SessionLifecycle(
            limits: SessionLifecycleTests.limits, activeBefore: money ? .zero : .seconds(2_650), resumed: true,
            at: .zero)
        _ = cycle.participantJoined(at: .zero)
        _ = cycle.providerReady(at: .zero)
        if money {
            #expect(cycle.budgetNearlySpent() == .wrapUp)
        } else {
            #expect(cycle.ticked(at: .milliseconds(100)) == .wrapUp)
        }
        cycle.wrapUpWasNotBegun()
        #expect(cycle.isWrappingUp)
        #expect(cycle.ticked(at: .milliseconds(200)) == .wrapUp)
        #expect(cycle.ticked(at: .milliseconds(300)) == .nothing)
    }

    @Test("a wrap-up that is owed waits for somebody to hear it")
    func wrapUpWhileAway() {
        var cycle = SessionLifecycleTests.make(.live)
        #expect(cycle.budgetNearlySpent() == .wrapUp)
        cycle.wrapUpWasNotBegun()
        #expect(cycle.participantLost(at: .seconds(10)) == .suspend)
        #expect(cycle.ticked(at: .seconds(20)) == .nothing)
        #expect(cycle.participantJoined(at: .seconds(30)) == .resume)
        #expect(cycle.ticked(at: .seconds(31)) == .wrapUp)
    }
}
