import InterviewCore
import Testing

/// Every state against every event; the window is the vendor's five minutes unless said otherwise.
@Suite struct RenewalPolicyTests {
    typealias Moment = RenewalPolicy.Moment

    enum Start: CaseIterable { case young, due, opening, resting }

    static let quiet = Moment()
    /// When each state below was entered, and the end of the window.
    static let begin: Duration = .seconds(3_300)
    static let end: Duration = .seconds(3_600)

    static func make(_ start: Start) -> RenewalPolicy {
        var policy = RenewalPolicy()
        if start == .young { return policy }
        policy.goingAway(within: end - begin, at: begin)
        if start == .due { return policy }
        _ = policy.looked(quiet, at: begin)
        if start == .resting { policy.attemptFailed(at: begin) }
        return policy
    }

    @Test(
        "a boundary opens another connection where one is due and none is on its way",
        arguments: [(Start.young, false), (.due, true), (.opening, false), (.resting, false)])
    func looked(start: Start, opens: Bool) {
        var policy = Self.make(start)
        #expect(policy.looked(Self.quiet, at: Self.begin + .seconds(1)) == (opens ? .open : .nothing))
        #expect(policy.isDue == (start != .young))
    }

    @Test(
        "a connection that is ready is moved to only where it was asked for",
        arguments: [
            (Start.young, RenewalPolicy.OnReady.discard), (.due, .discard), (.opening, .moveOver),
            (.resting, .discard),
        ])
    func ready(start: Start, answer: RenewalPolicy.OnReady) {
        var policy = Self.make(start)
        #expect(policy.ready(Self.quiet, context: .current, at: Self.begin) == answer)
        #expect(policy.isDue == (start == .due || start == .resting))
    }

    @Test("the end of the present connection is the end of its renewal", arguments: Start.allCases)
    func ended(start: Start) {
        var policy = Self.make(start)
        policy.ended()
        #expect(policy == RenewalPolicy())
        #expect(policy.looked(Self.quiet, at: Self.end) == .nothing)
    }

    @Test("a second announcement only shortens the time", arguments: [Start.due, .opening, .resting])
    func announcedAgain(start: Start) {
        var policy = Self.make(start)
        policy.goingAway(within: .seconds(1_000), at: Self.begin)
        #expect(policy == Self.make(start))
        policy.goingAway(within: .seconds(10), at: Self.begin)
        #expect(policy != Self.make(start))
        policy.attemptFailed(at: Self.begin)
        let busy = Moment(participantSpeaks: true, answerRuns: true)
        #expect(policy.looked(busy, at: Self.begin + .seconds(9)) == .open)
    }

    static let busy = [
        Moment(participantSpeaks: true), Moment(answerRuns: true), Moment(answerIsOwed: true),
        Moment(isWrappingUp: true),
    ]
    static let between = [Moment(agentIsHeard: true), Moment(turnsAreOpen: true)]

    @Test("first only a boundary will do, then a pause, at last any moment", arguments: busy + between)
    func stages(moment: Moment) {
        let isPause = Self.between.contains(moment)
        var policy = Self.make(.due)
        #expect(policy.looked(moment, at: Self.end - .milliseconds(120_001)) == .nothing)
        #expect(policy.looked(moment, at: Self.end - .seconds(120)) == (isPause ? .open : .nothing))
        policy = Self.make(.due)
        #expect(policy.looked(moment, at: Self.end - .milliseconds(20_001)) == (isPause ? .open : .nothing))
        policy = Self.make(.due)
        #expect(policy.looked(moment, at: Self.end - .seconds(20)) == .open)
    }

    @Test("a short window has short stages")
    func shortWindow() {
        var policy = RenewalPolicy()
        policy.goingAway(within: .seconds(10), at: .zero)
        let pause = Moment(agentIsHeard: true)
        #expect(policy.looked(pause, at: .milliseconds(5_999)) == .nothing)
        var other = policy
        #expect(other.looked(pause, at: .seconds(6)) == .open)
        #expect(policy.looked(Moment(answerRuns: true), at: .milliseconds(7_999)) == .nothing)
        #expect(policy.looked(Moment(answerRuns: true), at: .seconds(8)) == .open)
    }

    @Test(
        "a conversation that went on meanwhile does not move over before the last moment",
        arguments: [
            (Moment(), RenewalPolicy.Context.grown), (Moment(), .stale), (Moment(answerRuns: true), .current),
            (Moment(answerIsOwed: true), .current),
        ])
    func overtaken(moment: Moment, context: RenewalPolicy.Context) {
        var policy = Self.make(.opening)
        #expect(policy.ready(moment, context: context, at: Self.begin) == .discard)
        #expect(policy.looked(Self.quiet, at: Self.begin + .milliseconds(999)) == .nothing)
        #expect(policy.looked(Self.quiet, at: Self.begin + .seconds(1)) == .open)
        let last = policy.ready(moment, context: context, at: Self.end - .seconds(20))
        #expect(last == (context == .stale ? .discard : .moveOver))
    }

    @Test("a participant who has begun to speak is taken along")
    func speaking() {
        var policy = Self.make(.opening)
        let moment = Moment(participantSpeaks: true, turnsAreOpen: true)
        #expect(policy.ready(moment, context: .current, at: Self.begin) == .moveOver)
    }

    @Test("attempts that fail are repeated after growing waits")
    func failures() {
        var policy = Self.make(.due)
        var now = Self.begin
        for wait in RenewalPolicy.waits + [.seconds(20)] {
            #expect(policy.looked(Self.quiet, at: now) == .open)
            policy.attemptFailed(at: now)
            #expect(policy.looked(Self.quiet, at: now + wait - .milliseconds(1)) == .nothing)
            now += wait
        }
        #expect(policy.looked(Self.quiet, at: now) == .open)
        policy.ended()
        policy.attemptFailed(at: now)
        #expect(policy == RenewalPolicy())
    }
}
