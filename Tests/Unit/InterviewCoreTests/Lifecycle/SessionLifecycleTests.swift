import InterviewCore
import Testing

/// Every state against every event: the answer and the state after it.
@Suite struct SessionLifecycleTests {
    typealias State = SessionLifecycle.State
    static let limits = LifecycleLimits(
        idle: .seconds(120), hardLimit: .seconds(2_700), wrapUp: .seconds(60), rejoin: .seconds(120),
        providerPatience: .seconds(60), farewell: .seconds(30), seat: .seconds(15))
    static let completed = EndEntry(reason: .completed)

    enum Start: CaseIterable {
        case waiting, opening, openingAlone, live, suspended, farewell, over
    }

    /// A lifecycle in the wanted state at 10 s, reached by events alone.
    static func make(_ start: Start) -> SessionLifecycle {
        var cycle = SessionLifecycle(limits: limits, activeBefore: .zero, resumed: false, at: .zero)
        guard start != .waiting else { return cycle }
        _ = cycle.participantJoined(at: .seconds(1))
        switch start {
        case .waiting, .opening: break
        case .openingAlone: _ = cycle.participantLost(at: .seconds(2))
        case .live: _ = cycle.providerReady(at: .seconds(2))
        case .suspended:
            _ = cycle.providerReady(at: .seconds(2))
            _ = cycle.participantLost(at: .seconds(3))
        case .farewell:
            _ = cycle.providerReady(at: .seconds(2))
            _ = cycle.endRequested(at: .seconds(3))
        case .over:
            _ = cycle.providerReady(at: .seconds(2))
            _ = cycle.participantLeft(at: .seconds(3))
        }
        return cycle
    }

    static let left = State.over(.ended(EndEntry(reason: .participantLeft, detail: "left")))
    static let wasCompleted = State.over(.ended(completed))
    static let now: Duration = .seconds(10)

    @Test(
        "a participant joins",
        arguments: [
            (Start.waiting, SessionLifecycle.OnParticipantJoined.open, State.opening(patienceUntil: .seconds(70))),
            (.opening, .resume, .opening(patienceUntil: .seconds(61))),
            (.openingAlone, .resume, .opening(patienceUntil: .seconds(61))),
            (.live, .resume, .live),
            (.suspended, .resume, .live),
            (.farewell, .resume, .farewell(completed, until: .seconds(33))),
            (.over, .refuse, left),
        ])
    func joined(start: Start, answer: SessionLifecycle.OnParticipantJoined, after: State) {
        var cycle = Self.make(start)
        #expect(cycle.participantJoined(at: Self.now) == answer)
        #expect(cycle.state == after)
    }

    @Test(
        "a participant is lost",
        arguments: [
            (Start.waiting, SessionLifecycle.OnParticipantLost.nothing, State.waiting(until: .seconds(15))),
            (.opening, .suspend, .openingAlone(patienceUntil: .seconds(61), awaySince: .seconds(10))),
            (.openingAlone, .nothing, .openingAlone(patienceUntil: .seconds(61), awaySince: .seconds(2))),
            (.live, .suspend, .suspended(since: .seconds(10))),
            (.suspended, .nothing, .suspended(since: .seconds(3))),
            (.farewell, .end(completed), wasCompleted),
            (.over, .nothing, left),
        ])
    func lost(start: Start, answer: SessionLifecycle.OnParticipantLost, after: State) {
        var cycle = Self.make(start)
        #expect(cycle.participantLost(at: Self.now) == answer)
        #expect(cycle.state == after)
    }

    @Test(
        "a participant leaves",
        arguments: [
            (Start.waiting, SessionLifecycle.OnEnd.nothing, State.waiting(until: .seconds(15))),
            (.opening, .end(EndEntry(reason: .participantLeft, detail: "left")), left),
            (.openingAlone, .nothing, .openingAlone(patienceUntil: .seconds(61), awaySince: .seconds(2))),
            (.live, .end(EndEntry(reason: .participantLeft, detail: "left")), left),
            (.suspended, .nothing, .suspended(since: .seconds(3))),
            (.farewell, .end(completed), wasCompleted),
            (.over, .nothing, left),
        ])
    func leaves(start: Start, answer: SessionLifecycle.OnEnd, after: State) {
        var cycle = Self.make(start)
        #expect(cycle.participantLeft(at: Self.now) == answer)
        #expect(cycle.state == after)
    }

    @Test(
        "the provider is ready",
        arguments: [
            (Start.waiting, SessionLifecycle.OnProviderReady.nothing, State.waiting(until: .seconds(15))),
            (.opening, .greet, .live),
            (.openingAlone, .nothing, .suspended(since: .seconds(2))),
            (.live, .nothing, .live),
            (.suspended, .nothing, .suspended(since: .seconds(3))),
            (.farewell, .sayGoodbye, .farewell(completed, until: .seconds(33))),
            (.over, .nothing, left),
        ])
    func ready(start: Start, answer: SessionLifecycle.OnProviderReady, after: State) {
        var cycle = Self.make(start)
        #expect(cycle.providerReady(at: Self.now) == answer)
        #expect(cycle.state == after)
    }

    @Test(
        "the provider is lost, and it can be cured",
        arguments: [
            (Start.waiting, SessionLifecycle.OnProviderLost.nothing, State.waiting(until: .seconds(15))),
            (.opening, .reopen, .opening(patienceUntil: .seconds(61))),
            (.openingAlone, .reopen, .openingAlone(patienceUntil: .seconds(61), awaySince: .seconds(2))),
            (.live, .reopen, .opening(patienceUntil: .seconds(70))),
            (.suspended, .reopen, .openingAlone(patienceUntil: .seconds(70), awaySince: .seconds(3))),
            (.farewell, .playOut, .farewell(completed, until: .seconds(33))),
            (.over, .nothing, left),
        ])
    func providerLost(start: Start, answer: SessionLifecycle.OnProviderLost, after: State) {
        var cycle = Self.make(start)
        #expect(cycle.providerLost("network", curable: true, at: Self.now) == answer)
        #expect(cycle.state == after)
    }

    @Test(
        "a key that is refused ends the session at once", arguments: [Start.opening, .openingAlone, .live, .suspended])
    func incurable(start: Start) {
        var cycle = Self.make(start)
        let end = EndEntry(reason: .providerFailed, detail: "auth")
        #expect(cycle.providerLost("auth", curable: false, at: Self.now) == .end(end))
        #expect(cycle.outcome == .ended(end))
    }

    @Test("last words that were lost with the provider are asked for again, where another would help")
    func goodbyeLost() {
        var cycle = Self.make(.farewell)
        let farewell = State.farewell(Self.completed, until: .seconds(33))
        #expect(cycle.providerLost("network", curable: true, goodbyeIsOwed: true, at: Self.now) == .reopen)
        #expect(cycle.state == farewell)
        #expect(cycle.providerReady(at: Self.now) == .sayGoodbye)
        #expect(cycle.providerLost("auth", curable: false, goodbyeIsOwed: true, at: Self.now) == .playOut)
        #expect(cycle.state == farewell)
        #expect(cycle.playedOut(at: Self.now) == .end(Self.completed))
    }

    @Test(
        "the model ends the interview",
        arguments: [
            (Start.waiting, SessionLifecycle.OnWrapUp.nothing, State.waiting(until: .seconds(15))),
            (.opening, .end(completed), wasCompleted),
            (.openingAlone, .end(completed), wasCompleted),
            (.live, .farewell, .farewell(completed, until: .seconds(40))),
            (.suspended, .end(completed), wasCompleted),
            (.farewell, .nothing, .farewell(completed, until: .seconds(33))),
            (.over, .nothing, left),
        ])
    func endRequested(start: Start, answer: SessionLifecycle.OnWrapUp, after: State) {
        var cycle = Self.make(start)
        #expect(cycle.endRequested(at: Self.now) == answer)
        #expect(cycle.state == after)
    }

    @Test("only a farewell ends by being played out", arguments: Start.allCases)
    func playedOut(start: Start) {
        var cycle = Self.make(start)
        let before = cycle.state
        let answer = cycle.playedOut(at: Self.now)
        if start == .farewell {
            #expect(answer == .end(Self.completed))
            #expect(cycle.state == Self.wasCompleted)
        } else {
            #expect(answer == .nothing)
            #expect(cycle.state == before)
        }
    }

    @Test("an end from outside is final in every state but the last", arguments: Start.allCases)
    func closed(start: Start) {
        var cycle = Self.make(start)
        let end = EndEntry(reason: .adminClosed, detail: "x")
        let answer = cycle.ended(.adminClosed, detail: "x", at: Self.now)
        #expect(answer == (start == .over ? .nothing : .end(end)))
        #expect(cycle.ended(.error, detail: nil, at: Self.now) == .nothing)
    }

    @Test(
        "a release keeps the conversation for others, but a decided end stays an end",
        arguments: [
            (Start.waiting, SessionLifecycle.Outcome.abandoned), (.opening, .released), (.openingAlone, .released),
            (.live, .released), (.suspended, .released), (.farewell, .ended(completed)),
        ])
    func released(start: Start, outcome: SessionLifecycle.Outcome) {
        var cycle = Self.make(start)
        let first = cycle.released(at: Self.now)
        #expect(first)
        #expect(cycle.outcome == outcome)
        let again = cycle.released(at: Self.now)
        #expect(!again)
    }

    @Test("an end that was taken over writes nothing more", arguments: Start.allCases)
    func takenOver(start: Start) {
        var cycle = Self.make(start)
        #expect(cycle.takenOver(at: Self.now) == (start != .over))
        #expect(
            cycle.outcome == (start == .over ? .ended(EndEntry(reason: .participantLeft, detail: "left")) : .takenOver))
    }
}

/// The timers: each fires once, and only where it should.
@Suite struct SessionLifecycleTimerTests {
    typealias Start = SessionLifecycleTests.Start

    @Test("half of the idle limit asks once, all of it ends; speech starts it anew")
    func idle() {
        var cycle = SessionLifecycleTests.make(.live)
        #expect(cycle.ticked(at: .seconds(61)) == .nothing)
        #expect(cycle.ticked(at: .seconds(62)) == .askStillThere)
        #expect(cycle.ticked(at: .seconds(63)) == .nothing)
        cycle.participantSpoke(at: .seconds(100))
        #expect(cycle.ticked(at: .seconds(159)) == .nothing)
        #expect(cycle.ticked(at: .seconds(160)) == .askStillThere)
        #expect(cycle.ticked(at: .seconds(219)) == .nothing)
        #expect(cycle.ticked(at: .seconds(220)) == .end(EndEntry(reason: .idleTimeout)))
        #expect(cycle.ticked(at: .seconds(221)) == .nothing)
    }

    @Test("the idle clock stands still while the participant is away")
    func idleWhileAway() {
        var cycle = SessionLifecycleTests.make(.suspended)
        #expect(cycle.ticked(at: .seconds(122)) == .nothing)
        #expect(cycle.participantJoined(at: .seconds(122)) == .resume)
        #expect(cycle.ticked(at: .seconds(181)) == .nothing)
    }

    @Test(
        "the rejoin window ends a conversation whose participant dropped", arguments: [Start.suspended, .openingAlone])
    func rejoinWindow(start: Start) {
        var cycle = SessionLifecycleTests.make(start)
        if start == .openingAlone { _ = cycle.providerReady(at: .seconds(4)) }
        let since: Duration = start == .suspended ? .seconds(3) : .seconds(2)
        #expect(cycle.nextDeadline() == since + .seconds(120))
        #expect(cycle.ticked(at: since + .milliseconds(119_999)) == .nothing)
        #expect(
            cycle.ticked(at: since + .seconds(120)) == .end(EndEntry(reason: .participantLeft, detail: "dropped")))
    }

    @Test("the hard limit counts active time over owners, wraps up a minute before, and ends")
    func hardLimit() {
        var cycle = SessionLifecycle(
            limits: SessionLifecycleTests.limits, activeBefore: .seconds(2_600), resumed: true, at: .zero)
        _ = cycle.participantJoined(at: .seconds(10))
        #expect(cycle.providerReady(at: .seconds(10)) == .goOn)
        #expect(cycle.ticked(at: .seconds(49)) == .nothing)
        #expect(cycle.ticked(at: .seconds(50)) == .wrapUp)
        #expect(cycle.isWrappingUp)
        // Away for a minute: that minute does not count.
        _ = cycle.participantLost(at: .seconds(60))
        #expect(cycle.activeTime(at: .seconds(120)) == .seconds(2_650))
        _ = cycle.participantJoined(at: .seconds(120))
        #expect(cycle.ticked(at: .seconds(169)) == .nothing)
        #expect(cycle.ticked(at: .seconds(170)) == .end(EndEntry(reason: .timeLimit)))
    }

    @Test(
        "a provider that never comes ends the session when the patience is over",
        arguments: [Start.opening, .openingAlone])
    func patience(start: Start) {
        var cycle = SessionLifecycleTests.make(start)
        #expect(cycle.ticked(at: .seconds(60)) == .nothing)
        let end = EndEntry(reason: .providerFailed, detail: "network")
        #expect(cycle.ticked(at: .seconds(61)) == .end(end))
        #expect(cycle.ticked(at: .seconds(62)) == .nothing)
    }

    @Test("a seat that nobody takes is given away")
    func seat() {
        var cycle = SessionLifecycleTests.make(.waiting)
        #expect(cycle.ticked(at: .milliseconds(14_999)) == .nothing)
        #expect(cycle.ticked(at: .seconds(15)) == .abandon)
        #expect(cycle.participantJoined(at: .seconds(16)) == .refuse)
    }

    @Test("a farewell that never plays out ends at its deadline")
    func farewell() {
        var cycle = SessionLifecycleTests.make(.farewell)
        #expect(cycle.ticked(at: .seconds(32)) == .nothing)
        #expect(cycle.ticked(at: .seconds(33)) == .end(EndEntry(reason: .completed)))
    }

    @Test("the budget wraps up once")
    func budget() {
        var cycle = SessionLifecycleTests.make(.live)
        #expect(cycle.budgetNearlySpent() == .wrapUp)
        #expect(cycle.budgetNearlySpent() == .nothing)
        #expect(cycle.ticked(at: .seconds(2_640)) == .end(EndEntry(reason: .idleTimeout)))
    }

    @Test("a greeting is owed once, also when the provider is lost before it")
    func greeting() {
        var cycle = SessionLifecycleTests.make(.opening)
        _ = cycle.providerLost("network", curable: true, at: .seconds(5))
        #expect(cycle.providerReady(at: .seconds(6)) == .greet)
        _ = cycle.providerLost("network", curable: true, at: .seconds(7))
        #expect(cycle.providerReady(at: .seconds(8)) == .goOn)
    }
}
