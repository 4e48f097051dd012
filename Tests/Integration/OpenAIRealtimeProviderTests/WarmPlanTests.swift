import OpenAIRealtimeProvider
import Testing

@Suite struct WarmPlanTests {
    private static let age: Duration = .seconds(600)

    /// Two, ready since 100 s.
    private func full() -> WarmPlan {
        var plan = WarmPlan(share: 2)
        _ = plan.looked(at: .seconds(99))
        plan.opened(0, lifetime: Self.age, at: .seconds(100))
        plan.opened(1, lifetime: Self.age, at: .seconds(101))
        return plan
    }

    @Test("never more than its share, also while they are opening")
    func share() {
        var plan = WarmPlan(share: 2)
        #expect(plan.looked(at: .zero) == [.open(0), .open(1)])
        #expect(plan.looked(at: .seconds(1)) == [])
        #expect(plan.take(at: .seconds(1)) == nil)
        plan.opened(0, lifetime: Self.age, at: .seconds(2))
        #expect(plan.readyCount == 1 && plan.count == 2)
        #expect(plan.looked(at: .seconds(3)) == [])
        var none = WarmPlan(share: 0)
        #expect(none.looked(at: .zero) == [])
        #expect(none.take(at: .zero) == nil)
    }

    @Test("the youngest is taken, and replaced")
    func take() {
        var plan = full()
        #expect(plan.take(at: .seconds(105)) == 1)
        #expect(plan.looked(at: .seconds(105)) == [.open(2)])
        #expect(plan.take(at: .seconds(106)) == 0)
        #expect(plan.take(at: .seconds(106)) == nil)
        #expect(plan.looked(at: .seconds(106)) == [.open(3)])
        // What was taken is the session's: its end is of no interest here.
        plan.died(1, at: .seconds(107))
        #expect(plan.count == 2)
    }

    @Test("an old one is closed and replaced, and never given out")
    func age() {
        var plan = full()
        for second in stride(from: 105, to: 700, by: 5) { _ = plan.looked(at: .seconds(second)) }
        #expect(plan.looked(at: .milliseconds(699_999)) == [])
        #expect(plan.take(at: .seconds(702)) == nil)
        #expect(plan.looked(at: .seconds(702)) == [.close(0), .close(1), .open(2), .open(3)])
    }

    @Test("each is asked for a sign of life every ten seconds")
    func pings() {
        var plan = full()
        #expect(plan.looked(at: .milliseconds(109_999)) == [])
        #expect(plan.looked(at: .seconds(110)) == [.ping(0)])
        #expect(plan.looked(at: .seconds(111)) == [.ping(1)])
        #expect(plan.looked(at: .seconds(119)) == [])
        #expect(plan.looked(at: .seconds(121)) == [.ping(0), .ping(1)])
    }

    @Test("a provider that refuses is asked again after growing waits; one sound connection ends the row")
    func backoff() {
        var plan = WarmPlan(share: 1)
        var now: Duration = .zero
        var number = 0
        for wait in WarmPlan.waits + [.seconds(60), .seconds(60)] {
            #expect(plan.looked(at: now) == [.open(number)])
            plan.died(number, at: now)
            #expect(plan.looked(at: now + wait - .milliseconds(1)) == [])
            now += wait
            number += 1
        }
        // Opened and dead at once is no better than refused.
        _ = plan.looked(at: now)
        plan.opened(number, lifetime: Self.age, at: now)
        plan.died(number, at: now + .seconds(1))
        #expect(plan.looked(at: now + .seconds(60)) == [])
        now += .seconds(61)
        #expect(plan.looked(at: now) == [.open(number + 1)])
        plan.opened(number + 1, lifetime: Self.age, at: now)
        now += WarmPlan.soundAfter
        _ = plan.looked(at: now)
        plan.died(number + 1, at: now)
        #expect(plan.looked(at: now + WarmPlan.waits[0]) == [.open(number + 2)])
    }

    @Test("several that die together are one failure")
    func together() {
        var plan = full()
        plan.died(0, at: .seconds(110))
        plan.died(1, at: .seconds(110))
        #expect(plan.looked(at: .milliseconds(110_999)) == [])
        #expect(plan.looked(at: .seconds(111)) == [.open(2), .open(3)])
    }

    @Test("once closed, it lets go of all and opens none")
    func close() {
        var plan = full()
        #expect(plan.close() == [0, 1])
        #expect(plan.looked(at: .seconds(200)) == [])
        #expect(plan.take(at: .seconds(200)) == nil)
        plan.opened(0, lifetime: Self.age, at: .seconds(200))
        #expect(plan.count == 0)
    }
}
