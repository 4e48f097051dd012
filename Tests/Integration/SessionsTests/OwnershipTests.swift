import InterviewCore
import Ports
import SQLiteStore
import Sessions
import TestKit
import Testing

/// A conversation here, and what other processes do with its row meanwhile.
@Suite struct OwnershipTests {
    /// In a call, with one turn in the journal.
    private func talking(
        in rig: Rig, _ name: String = "s1", page: String = "page-1"
    ) async throws -> (TokenClaims, NarratingTransport, Line) {
        let claims = try await rig.session(name)
        let (transport, line) = try await rig.call(claims, Rig.hello(page))
        await line.hears("I am here", item: "p1")
        await rig.loop.advance(by: .seconds(1))
        while try await rig.turns(claims).isEmpty { await Task.yield() }
        return (claims, transport, line)
    }

    private func claim(
        _ claims: TokenClaims, in rig: Rig, by owner: InstanceID, client: String = "page-1"
    ) async throws -> SessionRecord {
        let row = try await rig.row(claims)
        let answer = try await rig.store.claim(
            claims.session, expecting: row.ownership, by: owner, client: client)
        guard case .claimed(let taken) = answer else { throw RigError.refused }
        return taken
    }

    @Test(
        "an owner that learns of a claim lets go: 1012 for the very person who wants to talk, 4001 for another page",
        arguments: [("page-1", CloseCode.restart), ("page-2", .joinedElsewhere)])
    func takenOver(newPage: String, close: CloseCode) async throws {
        let rig = try await Rig()
        let (claims, transport, _) = try await talking(in: rig)
        let other = try await rig.register("other")
        let taken = try await claim(claims, in: rig, by: other, client: newPage)
        await transport.story.line { $0 == .closed(close, "taken over") }
        await rig.provider.story.line { $0 == .closed }
        while await rig.supervisor.health().activeSessions > 0 { await Task.yield() }
        #expect(try await rig.row(claims).ownership == taken.ownership)
        #expect(try await rig.row(claims).state == .active)
        await rig.supervisor.stop()
    }

    @Test("what a former owner had not committed is kept as late, never in the conversation")
    func late() async throws {
        let rig = try await Rig()
        let (claims, transport, line) = try await talking(in: rig)
        let before = try await rig.turns(claims)
        let other = try await rig.register("other")
        rig.switched.isAway = true
        await line.hears("Nobody has written this yet", item: "p2", from: 200, to: 300)
        await rig.loop.advance(by: .seconds(1))
        _ = try await claim(claims, in: rig, by: other)
        rig.switched.isAway = false
        await transport.story.line { $0 == .closed(.restart, "taken over") }
        while try await rig.store.lateJournal(of: claims.session).isEmpty { await Task.yield() }
        let late = try await rig.store.lateJournal(of: claims.session).compactMap { record -> String? in
            if case .turn(let turn) = record.entry { turn.text } else { nil }
        }
        #expect(late == ["Nobody has written this yet"])
        #expect(try await rig.turns(claims) == before)
        #expect(rig.metrics.value(Metric.journalFenced, []) > 0)
        await rig.supervisor.stop()
    }

    @Test("a row that a reaper has given up while its owner still talks is taken back, under the same epoch")
    func takeBack() async throws {
        let rig = try await Rig()
        let (claims, transport, line) = try await talking(in: rig)
        let held = try await rig.row(claims).ownership
        // Its lease passes unnoticed, and another process reaps.
        let reaper = try await rig.register("reaper")
        rig.switched.isAway = true
        try await rig.store.retire(Rig.here)
        var sweep = Sweep(by: reaper, defaultRejoin: .seconds(120), defaultHardLimit: .seconds(3_600))
        sweep.limit = 10
        while try await rig.store.reap(sweep).isEmpty {
            _ = try await rig.store.renew(
                reaper, InstanceReport(active: 0, capacity: 10, draining: false, settled: 0))
        }
        #expect(try await rig.row(claims).state == .interrupted)
        rig.switched.isAway = false
        while try await rig.row(claims).state != .active { await Task.yield() }
        #expect(try await rig.row(claims).ownership == held)
        await line.hears("And I go on", item: "p2", from: 200, to: 300)
        await rig.loop.advance(by: .seconds(1))
        while try await rig.turns(claims).count < 2 { await Task.yield() }
        #expect(!transport.story.lines.contains { if case .closed = $0 { true } else { false } })
        await rig.supervisor.stop()
    }

    @Test("an owner whose row a reaper has ended takes it back, whatever told it first")
    func takeBackAfterFence() async throws {
        let rig = try await Rig()
        let (claims, _, _) = try await talking(in: rig)
        let held = try await rig.row(claims).ownership
        let reaper = try await rig.register("reaper")
        rig.switched.isAway = true
        try await rig.store.retire(Rig.here)
        var sweep = Sweep(by: reaper, defaultRejoin: .zero, defaultHardLimit: .seconds(3_600))
        sweep.limit = 10
        while try await rig.row(claims).state != .ended {
            _ = try await rig.store.renew(
                reaper, InstanceReport(active: 0, capacity: 10, draining: false, settled: 0))
            _ = try await rig.store.reap(sweep)
        }
        rig.switched.isAway = false
        // Before its own look comes to it, a change of the row is refused: it has ended.
        let again = try await rig.join(claims)
        while try await rig.row(claims).state != .active { await Task.yield() }
        #expect(try await rig.row(claims).ownership == held)
        #expect(!again.story.lines.contains { if case .closed = $0 { true } else { false } })
        await rig.supervisor.stop()
    }

    @Test("a row that names this process for nobody is released at the next look")
    func stray() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        // The answer of such a claim was lost.
        _ = try await claim(claims, in: rig, by: Rig.here)
        rig.supervisor.doubtOwnership()
        while try await rig.row(claims).state == .active { await Task.yield() }
        let row = try await rig.row(claims)
        #expect(row.state == .interrupted)
        #expect(row.ownership == Ownership(owner: nil, epoch: 1))
        await rig.supervisor.stop()
    }

    @Test("a token of a later epoch tells the owner that it is none")
    func laterToken() async throws {
        let rig = try await Rig()
        let (claims, transport, _) = try await talking(in: rig)
        let other = try await rig.register("other")
        _ = try await claim(claims, in: rig, by: other)
        rig.owners.answer = .mine
        let later = TokenClaims(
            participant: "p", session: claims.session, scope: .rejoin, epoch: 2, client: "page-1")
        let answer = await rig.supervisor.admit(later, probing: false)
        guard case .relay(let address) = answer else {
            Issue.record("not relayed")
            return
        }
        #expect(address == "127.0.0.1:2")
        await transport.story.line { $0 == .closed(.restart, "taken over") }
        await rig.supervisor.stop()
    }

    @Test("the owner that a row names is asked in every state; its word decides, its silence does not stop a claim")
    func owners() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let other = try await rig.register("other")
        _ = try await claim(claims, in: rig, by: other)
        rig.owners.answer = .mine
        guard case .relay = await rig.supervisor.admit(claims, probing: false) else {
            Issue.record("not relayed")
            return
        }
        for answer in [OwnerAnswer.notMine, .silent] {
            rig.owners.answer = answer
            guard case .welcome = await rig.supervisor.admit(claims, probing: true) else {
                Issue.record("not let in")
                return
            }
        }
        #expect(rig.owners.asked == Array(repeating: "127.0.0.1:2", count: 3))
        // A handed-on connection is never handed on again.
        let relayed = await rig.supervisor.admit(Knock(claims: claims, token: "token", purpose: .relayed))
        guard case .refused(let refusal) = relayed else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.code == "not_mine")
        await rig.supervisor.stop()
    }

    @Test("an inquiry is answered from memory, also while the store is away")
    func inquiry() async throws {
        let rig = try await Rig()
        let (claims, _, _) = try await talking(in: rig)
        let unknown = try await rig.session("s2")
        rig.switched.isAway = true
        guard case .welcome = await rig.supervisor.admit(Knock(claims: claims, token: "", purpose: .inquiry)),
            case .refused(let refusal) = await rig.supervisor.admit(
                Knock(claims: unknown, token: "", purpose: .inquiry))
        else {
            Issue.record("wrong answer")
            return
        }
        #expect(refusal.code == "not_mine")
        rig.switched.isAway = false
        await rig.supervisor.stop()
    }

    @Test("an operator's close reaches a conversation through its row")
    func closeRequest() async throws {
        let rig = try await Rig()
        let (claims, transport, _) = try await talking(in: rig)
        #expect(try await rig.store.requestClose(claims.session, detail: "test") == .requested(of: Rig.here))
        await transport.story.line { $0 == .closed(.ended, "admin_closed") }
        await rig.settled(claims)
        #expect(try await rig.row(claims).completionDetail == "test")
        await rig.supervisor.stop()
    }

    @Test("nobody is let in to be claimed while the lease is not confirmed")
    func lease() async throws {
        let rig = try await Rig(start: false)
        let claims = try await rig.session()
        guard case .refused(let refusal) = await rig.supervisor.admit(claims, probing: false) else {
            Issue.record("let in")
            return
        }
        #expect(refusal.code == "store_unavailable")
        #expect(await rig.supervisor.health().reasons == ["lease"])
    }
}
