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

    /// A conversation that another process began and left.
    private func interrupted(_ name: String, in rig: Rig) async throws -> TokenClaims {
        let claims = try await rig.session(name)
        let owner = try await rig.register("dead")
        guard
            case .claimed(let row) = try await rig.store.claim(
                claims.session, expecting: Ownership(owner: nil, epoch: 0), by: owner, client: "page-1")
        else { throw RigError.refused }
        try await rig.store.update(
            claims.session, as: row.ownership,
            .released(rejoinWindow: .seconds(120), activeMilliseconds: 0, costMicros: 0))
        return claims
    }

    @Test("of a burst as many are seated as there are seats, and a tenth is kept for those who come back")
    func burst() async throws {
        let rig = try await Rig(capacity: 10)
        let returning = try await interrupted("back", in: rig)
        var newcomers: [TokenClaims] = []
        for number in 0..<30 { newcomers.append(try await rig.session("s\(number)")) }
        let codes = await withTaskGroup(of: String.self) { group in
            for claims in newcomers {
                group.addTask {
                    let answer = await rig.supervisor.admit(claims, probing: false)
                    if case .refused(let refusal) = answer { return "\(refusal.status) \(refusal.code)" }
                    return "seated"
                }
            }
            return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        #expect(codes == ["seated": 9, "503 full": 21])
        #expect(await rig.supervisor.health().reasons == ["full"])
        #expect(refusal(await rig.supervisor.admit(returning, probing: true)) == nil)
        #expect(refusal(await rig.supervisor.admit(returning, probing: false)) == nil)
        let health = await rig.supervisor.health()
        #expect(health.activeSessions == 10)
        #expect(health.capacity == 10)
        #expect(await rig.supervisor.metricsPage().contains("\nvoice_joins_waiting 0\n"))
    }

    @Test(
        "late loops and short memory refuse who is new, say so, and let in who comes back",
        arguments: [
            (SeatPolicy.LoopTiming(lagP99: .milliseconds(30), samples: 2_000), 0.5, "loop_lag"),
            (SeatPolicy.LoopTiming(lagP99: .milliseconds(3), samples: 2_000), 0.9, "memory"),
        ])
    func pressure(timing: SeatPolicy.LoopTiming, memory: Double, code: String) async throws {
        let rig = try await Rig()
        let (early, late, returning) = (
            try await rig.session("early"), try await rig.session("late"), try await interrupted("back", in: rig)
        )
        #expect(refusal(await rig.supervisor.admit(early, probing: false)) == nil)
        rig.pressure.timing = timing
        rig.pressure.memoryShare = memory
        await rig.loop.advance(by: .seconds(1))
        let refused = refusal(await rig.supervisor.admit(late, probing: false))
        #expect(refused?.status == 503)
        #expect(refused?.code == code)
        #expect(refused?.retryAfterSeconds != nil)
        #expect(refusal(await rig.supervisor.admit(late, probing: true))?.code == code)
        let health = await rig.supervisor.health()
        #expect(health.reasons == [code])
        #expect(!health.acceptingNew)
        #expect(health.status == "degraded")
        #expect(refusal(await rig.supervisor.admit(returning, probing: false)) == nil)
        #expect(refusal(await rig.supervisor.admit(early, probing: false)) == nil)
        rig.pressure.timing = SeatPolicy.LoopTiming()
        rig.pressure.memoryShare = nil
        await rig.loop.advance(by: .seconds(1))
        #expect(refusal(await rig.supervisor.admit(late, probing: false)) == nil)
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

    @Test("what a dead process left active is interrupted, and a rejoin goes on from the journal")
    func restart() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let dead = try await rig.register("dead")
        _ = try await rig.store.claim(
            claims.session, expecting: Ownership(owner: nil, epoch: 0), by: dead, client: "page-1")
        let holder = Ownership(owner: InstanceID("dead"), epoch: 1)
        let turn = Turn(
            speaker: .participant, item: "i1-0", text: "I said this", startMilliseconds: 1_000,
            endMilliseconds: 2_000, captureStart: 48_000, captureEnd: 96_000, client: "page-1")
        try await rig.store.append(
            [JournalRecord(session: claims.session, epoch: 1, sequence: 0, entry: .turn(turn))], as: holder)
        try await rig.store.retire(dead)
        while try await rig.row(claims).state == .active { await Task.yield() }
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
        #expect(try await rig.supervisor.close(claims.session, detail: "test") == .closed)
        await transport.story.line { $0 == .closed(.ended, "admin_closed") }
        await rig.settled(claims)
        #expect(try await rig.supervisor.close(claims.session, detail: nil) == .alreadyEnded)
        let row = try await rig.row(claims)
        #expect(row.completionReason == .adminClosed)
        #expect(row.completionDetail == "test")
    }
}
