import InterviewCore
import Testing

@Suite struct ReopenPolicyTests {
    @Test("waits grow to the longest and stay there")
    func waits() {
        var policy = ReopenPolicy()
        let waits = (0..<7).map { _ in policy.lost(wasReady: false) }
        #expect(waits == (ReopenPolicy.waits + [.seconds(3), .seconds(3)]).map { .wait($0) })
    }

    @Test("a whole answer makes the next loss the first")
    func answered() {
        var policy = ReopenPolicy()
        _ = policy.lost(wasReady: true)
        _ = policy.lost(wasReady: false)
        policy.answered()
        #expect(policy.lost(wasReady: true) == .wait(.milliseconds(200)))
    }

    @Test("connections that die one after the other without an answer are given up, attempts that fail are not")
    func deaths() {
        var policy = ReopenPolicy()
        for _ in 0..<100 { #expect(policy.lost(wasReady: false) != .giveUp) }
        for _ in 0..<ReopenPolicy.mostDeaths { #expect(policy.lost(wasReady: true) != .giveUp) }
        #expect(policy.lost(wasReady: true) == .giveUp)
    }
}
