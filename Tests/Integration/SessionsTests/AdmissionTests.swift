import InterviewCore
import Ports
import SQLiteStore
import Sessions
import TestKit
import Testing

@Suite struct AdmissionTests {
    private func refusal(_ answer: AdmissionAnswer) -> Refusal? {
        if case .refused(let refusal) = answer { refusal } else { nil }
    }

    @Test("unknown, ended and full are refused in the protocol's order")
    func refusals() async throws {
        let rig = try await Rig(capacity: 1)
        let unknown = TokenClaims(participant: "p", session: try #require(SessionID("nobody")), scope: .join)
        #expect(refusal(await rig.supervisor.admit(unknown, probing: false))?.status == 404)
        let claims = try await rig.session()
        let (transport, _) = try await rig.call(claims)
        let other = try await rig.session("s2")
        let full = refusal(await rig.supervisor.admit(other, probing: false))
        #expect(full?.code == "full")
        #expect(full?.retryAfterSeconds != nil)
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(claims)
        #expect(refusal(await rig.supervisor.admit(claims, probing: false))?.status == 410)
        #expect(refusal(await rig.supervisor.admit(other, probing: true)) == nil)
        #expect(rig.metrics.value(Metric.refusals, ["full"]) == 1)
    }

    @Test("a probe takes no seat")
    func probe() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        #expect(refusal(await rig.supervisor.admit(claims, probing: true)) == nil)
        #expect(await rig.supervisor.health().activeSessions == 0)
    }

    @Test("two knocks at one door share a seat")
    func oneSeat() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        async let first = rig.supervisor.admit(claims, probing: false)
        async let second = rig.supervisor.admit(claims, probing: false)
        guard case .welcome(_, let one) = await first, case .welcome(_, let two) = await second else {
            Issue.record("refused")
            return
        }
        #expect(one === two)
        #expect(await rig.supervisor.health().activeSessions == 1)
    }

    @Test("a draining process refuses newcomers, keeps those who are in, and is done when they are")
    func drain() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let other = try await rig.session("s2")
        let (transport, _) = try await rig.call(claims)
        let report = await rig.supervisor.drain(timeout: nil)
        #expect(report.draining)
        #expect(report.sessionsRemaining == 1)
        #expect(await rig.supervisor.health().draining)
        #expect(await rig.supervisor.isAlive())
        #expect(refusal(await rig.supervisor.admit(other, probing: false))?.code == "draining")
        #expect(refusal(await rig.supervisor.admit(other, probing: true))?.code == "draining")
        #expect(refusal(await rig.supervisor.admit(claims, probing: false)) == nil)
        let done = Task { await rig.supervisor.drainAndWait(timeout: nil) }
        await rig.loop.run { transport.says(.leave) }
        await done.value
        #expect(await rig.supervisor.health().activeSessions == 0)
        #expect(try await rig.row(claims).completionReason == .participantLeft)
    }

    @Test("a drain releases at once those whose participant is away")
    func drainOfTheAway() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, _) = try await rig.call(claims)
        await rig.loop.run { transport.drops(.dead) }
        await rig.supervisor.drainAndWait(timeout: .seconds(300))
        #expect(try await rig.row(claims).state == .interrupted)
    }

    @Test("a second signal does not wait, but everything is written")
    func skip() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("Hello", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        let done = Task { await rig.supervisor.drainAndWait(timeout: .seconds(3_600)) }
        while await !rig.supervisor.health().draining { await Task.yield() }
        await rig.supervisor.skipDrain()
        await done.value
        await transport.story.line { $0 == .closed(.restart, "restart") }
        #expect(try await rig.row(claims).state == .interrupted)
        #expect(try await rig.turns(claims).map(\.text) == ["Hello"])
    }

    @Test("a process that starts interrupts what an earlier one left active, and a rejoin goes on from the journal")
    func restart() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        _ = try await rig.store.claim(
            claims.session, expecting: Ownership(owner: nil, epoch: 0), by: InstanceID("dead"), client: "page-1")
        let holder = Ownership(owner: InstanceID("dead"), epoch: 1)
        let turn = Turn(
            speaker: .participant, item: "i1-0", text: "I said this", startMilliseconds: 1_000,
            endMilliseconds: 2_000, captureStart: 48_000, captureEnd: 96_000, client: "page-1")
        try await rig.store.append(
            [JournalRecord(session: claims.session, epoch: 1, sequence: 0, entry: .turn(turn))], as: holder)
        try await rig.supervisor.start()
        #expect(try await rig.row(claims).state == .interrupted)
        let transport = try await rig.join(claims)
        let welcome = try #require(await transport.welcome())
        #expect(welcome.resumed)
        #expect(welcome.resendFrom == 96_000)
        let row = try await rig.row(claims)
        #expect(row.ownership == Ownership(owner: InstanceID("here"), epoch: 2))
        let connection = try #require(rig.provider.latest)
        await rig.loop.run { connection.says(.ready) }
        await rig.provider.story.line { $0 == .asked(instructions: nil) }
        await rig.supervisor.stop()
    }

    @Test("the operator's close ends a session with its reason")
    func close() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, _) = try await rig.call(claims)
        #expect(await rig.supervisor.close(claims.session, detail: "test") == .closed)
        await transport.story.line { $0 == .closed(.ended, "admin_closed") }
        await rig.settled(claims)
        #expect(await rig.supervisor.close(claims.session, detail: nil) == .alreadyEnded)
        let row = try await rig.row(claims)
        #expect(row.completionReason == .adminClosed)
        #expect(row.completionDetail == "test")
    }
}
