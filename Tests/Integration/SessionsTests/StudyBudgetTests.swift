import InterviewCore
import Ports
import SQLiteStore
import Sessions
import TestKit
import Testing

/// One study's money, many conversations. A token costs a micro-dollar here.
@Suite struct StudyBudgetTests {
    private func ledger(_ rig: Rig) async throws -> StudyLedger {
        try #require(try await rig.store.ledger(of: rig.study.id))
    }

    private func bill(_ tokens: Int, _ response: String, on line: Line) async {
        await line.says(
            .answerStarted(response: response),
            .answerFinished(response: response, outcome: .completed, usage: Usage(textIn: tokens)))
    }

    @Test("a study without room for another dollar is refused at the door, and one that ends makes room")
    func door() async throws {
        let rig = try await Rig(budgetMicros: 1_500_000)
        let (first, second) = (try await rig.session("s1"), try await rig.session("s2"))
        let (transport, _) = try await rig.call(first)
        #expect(try await ledger(rig).reservedMicros == 1_000_000)
        guard case .refused(let refusal) = await rig.supervisor.admit(second, probing: false) else {
            Issue.record("let in")
            return
        }
        #expect(refusal.code == "study_budget")
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(first)
        #expect(try await ledger(rig).reservedMicros == 0)
        guard case .welcome = await rig.supervisor.admit(second, probing: true) else {
            Issue.record("refused")
            return
        }
        await rig.supervisor.stop()
    }

    @Test("of two who pass the door at once, one gets the last dollar and the other is told why not")
    func race() async throws {
        let rig = try await Rig(budgetMicros: 1_500_000)
        let (first, second) = (try await rig.session("s1"), try await rig.session("s2"))
        guard case .welcome(_, let one) = await rig.supervisor.admit(first, probing: false),
            case .welcome(_, let two) = await rig.supervisor.admit(second, probing: false)
        else {
            Issue.record("refused")
            return
        }
        let (early, late) = (NarratingTransport(loop: rig.loop), NarratingTransport(loop: rig.loop))
        await rig.loop.run { early.join(one, hello: Rig.hello(), claims: first) }
        _ = await early.welcome()
        await rig.loop.run { late.join(two, hello: Rig.hello(), claims: second) }
        await late.story.line { $0 == .closed(.tryAgainLater, "study_budget") }
        #expect(late.story.lines.contains { if case .message(.error("study_budget", _)) = $0 { true } else { false } })
        #expect(try await rig.row(second).state == .scheduled)
        #expect(try await ledger(rig).reservedMicros == 1_000_000)
        await rig.supervisor.stop()
    }

    @Test("little left of a reservation: another dollar is asked for")
    func topUp() async throws {
        let rig = try await Rig(budgetMicros: 2_500_000)
        let claims = try await rig.session()
        let (_, line) = try await rig.call(claims)
        await bill(700_000, "r1", on: line)
        while try await rig.row(claims).reservedMicros < 1_300_000 { await Task.yield() }
        #expect(
            try await ledger(rig)
                == StudyLedger(
                    capMicros: 2_500_000, spentMicros: 700_000, reservedMicros: 1_300_000, debtMicros: 0))
        await rig.supervisor.stop()
    }

    @Test("no room for another dollar: the session wraps up, and ends when its reservation is spent")
    func spent() async throws {
        let rig = try await Rig(budgetMicros: 1_500_000)
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await bill(700_000, "r1", on: line)
        while await rig.supervisor.sessions().first?.state != "wrapping_up" { await Task.yield() }
        await bill(350_000, "r2", on: line)
        await transport.story.line { $0 == .closed(.ended, "budget_study") }
        await rig.settled(claims)
        #expect(try await rig.row(claims).completionReason == .budgetStudy)
        // The last answer went beyond what was reserved: that is debt, never more than the cap is told to hold.
        #expect(
            try await ledger(rig)
                == StudyLedger(
                    capMicros: 1_500_000, spentMicros: 1_000_000, reservedMicros: 0, debtMicros: 50_000))
        await rig.supervisor.stop()
    }
}
