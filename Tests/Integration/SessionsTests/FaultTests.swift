import InterviewCore
import Ports
import SQLiteStore
import Sessions
import TestKit
import Testing

/// Faults of our own, not of a peer.
@Suite struct FaultTests {
    /// Another hand writes the record that the session is going to write next.
    private func spoil(_ rig: Rig, _ claims: TokenClaims) async throws {
        let row = try await rig.row(claims)
        let next = (try await rig.store.journal(of: claims.session)).filter { $0.epoch == row.ownership.epoch }.count
        try await rig.store.append(
            [
                JournalRecord(
                    session: claims.session, epoch: row.ownership.epoch, sequence: Int64(next),
                    entry: .note(NoteEntry(what: "not the session's")))
            ], as: row.ownership)
    }

    @Test("a session whose journal is refused is begun anew by the participant's return, with all that was said")
    func restart() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (first, line) = try await rig.call(claims)
        await line.answers("Hello there.", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        while try await rig.turns(claims).isEmpty { await Task.yield() }
        try await spoil(rig, claims)
        await line.hears("Good morning", item: "u1")
        await rig.loop.advance(by: .milliseconds(200))
        await first.story.line { $0 == .closed(.restart, "restart") }
        await rig.settled(claims)
        #expect(try await rig.row(claims).state == .interrupted)
        #expect(rig.metrics.value(Metric.restarts, ["journal"]) == 1)
        let (second, _) = try await rig.call(claims)
        #expect(try #require(await second.welcome()).resumed)
        #expect(try await rig.row(claims).ownership.epoch == 2)
    }

    @Test("what fails a fourth time within a minute is ended as an error")
    func givingUp() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        for failure in 1...4 {
            let (transport, line) = try await rig.call(claims)
            try await spoil(rig, claims)
            await line.answers("Hello", item: "a\(failure)", response: "r\(failure)", milliseconds: 40)
            await rig.loop.advance(by: .seconds(1))
            await transport.story.line { if case .closed = $0 { true } else { false } }
            await rig.settled(claims)
        }
        let row = try await rig.row(claims)
        #expect(row.state == .ended)
        #expect(row.completionReason == .error)
        #expect(row.completionDetail == "journal")
        #expect(rig.metrics.value(Metric.restarts, ["journal"]) == 4)
    }
}

@Suite struct ZombieTests {
    @Test("a session that does not end at its hard limit is ended five minutes of active time later")
    func zombie() async throws {
        let rig = try await Rig(limits: SessionLimits(hardLimitSeconds: 60))
        let claims = try await rig.session()
        let (transport, _) = try await rig.call(claims)
        let began = rig.loop.now
        // Its own timer is lost: time passes without a tick.
        rig.loop.skip(.seconds(359))
        await rig.supervisor.checkLives(at: began + .seconds(359))
        #expect(await rig.supervisor.health().activeSessions == 1)
        rig.loop.skip(.seconds(2))
        await rig.supervisor.checkLives(at: began + .seconds(361))
        await transport.story.line { $0 == .closed(.ended, "zombie") }
        await rig.settled(claims)
        #expect(try await rig.row(claims).completionReason == .zombie)
        #expect(rig.metrics.value(Metric.sessionsReaped, ["zombie"]) == 1)
    }
}
