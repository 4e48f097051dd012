import InterviewCore
import Testing

@Suite struct RestartPolicyTests {
    @Test("three failures within a minute are restarted, the fourth is the end")
    func intensity() {
        var policy = RestartPolicy()
        #expect(policy.failed(at: .seconds(100)) == .restart)
        #expect(policy.failed(at: .seconds(101)) == .restart)
        #expect(policy.failed(at: .seconds(102)) == .restart)
        #expect(policy.failed(at: .seconds(159)) == .giveUp)
    }

    @Test("a failure is forgotten after a minute")
    func period() {
        var policy = RestartPolicy()
        for second in [0, 30, 59] { #expect(policy.failed(at: .seconds(second)) == .restart) }
        #expect(policy.failed(at: .seconds(60)) == .restart)
        #expect(policy.failed(at: .seconds(89)) == .giveUp)
        #expect(!policy.isForgotten(at: .seconds(148)))
        #expect(policy.isForgotten(at: .seconds(149)))
    }
}
