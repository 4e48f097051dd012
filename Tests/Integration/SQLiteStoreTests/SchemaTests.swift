import Foundation
import GRDB
import InterviewCore
import Ports
import SQLiteStore
import Testing

/// `Tests/Golden/Store/0001.sql` is a file of the release before ownership: never change it.
@Suite("Schemas of two releases")
struct SchemaTests {
    private static let earlier = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Golden/Store/0001.sql")

    private func earlierFile() async throws -> TemporaryStore {
        let temporary = try TemporaryStore()
        let script = try String(contentsOf: Self.earlier, encoding: .utf8)
        try await temporary.stranger().write { try $0.execute(sql: script) }
        return temporary
    }

    private func process(_ name: String) -> NewInstance {
        NewInstance(
            id: InstanceID(name), build: "b", mediaAddress: "127.0.0.1:9", mediaURL: nil, capacity: 10)
    }

    @Test("a file of the earlier release keeps every row, and its ledger begins with what was spent")
    func migrates() async throws {
        let temporary = try await earlierFile()
        let store = try await temporary.open()
        #expect(try await store.settings().migrations.count == 2)
        let study = try #require(StudyID("study"))
        #expect(try await store.study(study)?.limits.rejoinSeconds == 600)
        #expect(
            try await store.ledger(of: study)
                == StudyLedger(capMicros: nil, spentMicros: 1_200_300, reservedMicros: 0, debtMicros: 0))
        let rows = try await store.sessions(SessionFilter())
        #expect(rows.map(\.id.text) == ["coming", "talking", "done"])
        #expect(rows.map(\.state) == [.scheduled, .active, .ended])
        #expect(rows.map(\.costMicros) == [0, 300, 1_200_000])
        #expect(rows.allSatisfy { $0.reservedMicros == 0 && $0.closeRequest == nil && $0.suspected == 0 })
        let done = try #require(SessionID("done"))
        #expect(try await store.journal(of: done).map(\.entry.kind) == [.usage, .end])
        #expect(try await store.lateJournal(of: done) == [])
        #expect(try await store.outbox() == [OutboxRow(session: "done", epoch: 1, kind: "ended")])
        #expect(try await store.instances() == [])
        await store.close()
    }

    @Test("what the earlier release left talking is an orphan, and is claimed with a reservation")
    func goesOn() async throws {
        let temporary = try await earlierFile()
        var times = LeaseTimes.standard
        times.steady = .zero
        let store = try await temporary.open(leaseTimes: times)
        _ = try await store.register(process("now"))
        let reaped = try await store.reap(
            Sweep(by: InstanceID("now"), defaultRejoin: .seconds(120), defaultHardLimit: .seconds(2_700)))
        #expect(reaped.map(\.cause) == [.ownerLost])
        let orphan = try #require(reaped.first?.record)
        #expect(orphan.ownership == Ownership(owner: InstanceID("earlier-process"), epoch: 2))
        let claim = try await store.claim(
            orphan.id, expecting: orphan.ownership, by: InstanceID("now"), client: "page-3")
        guard case .claimed(let claimed) = claim else {
            Issue.record("not claimed")
            return
        }
        #expect(claimed.ownership.epoch == 3)
        #expect(claimed.reservedMicros == Reservation.step)
        await store.close()
    }

    /// Its statements, as the release before wrote them.
    @Test(
        "a process of the earlier release works on beside: it names none of the new columns, and finds all of its own")
    func beside() async throws {
        let temporary = try await earlierFile()
        let store = try await temporary.open()
        let earlier = try temporary.stranger()
        try await earlier.write { database in
            try database.execute(
                sql: """
                    INSERT INTO studies(id, body, updated_at)
                    VALUES ('study', '{"greeting":"","id":"study","instructions":"i","language":"en","limits":{},"name":"new"}', 5)
                    ON CONFLICT(id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at;
                    INSERT INTO sessions(id, study, participant, state, created_at, expires_at)
                    VALUES ('theirs', 'study', 'p', 'scheduled', 6, 9000000000000);
                    UPDATE sessions SET
                        owner = 'old', epoch = epoch + 1, state = 'active', client = 'page',
                        started_at = coalesce(started_at, 7), disconnected_at = NULL, rejoin_until = NULL
                    WHERE id = 'theirs' AND owner IS NULL AND epoch = 0 AND state <> 'ended';
                    INSERT INTO journal(session, epoch, sequence, kind, at, body)
                    VALUES ('theirs', 1, 0, 'note', 8, '{"what":"x"}');
                    UPDATE sessions SET
                        state = 'ended', owner = NULL, completion_reason = 'completed', completion_detail = NULL,
                        ended_at = 9, rejoin_until = NULL, active_ms = max(active_ms, 1)
                    WHERE id = 'theirs';
                    """)
        }
        let theirs = try #require(SessionID("theirs"))
        #expect(try await store.session(theirs)?.completionReason == .completed)
        #expect(try await store.journal(of: theirs).count == 1)
        let study = try #require(StudyID("study"))
        #expect(try await store.study(study)?.name == "new")
        #expect(try await store.ledger(of: study)?.spentMicros == 1_200_300)
        // And what this build writes, the earlier one reads.
        let conversation = try await Conversation.begin("ours", in: store)
        try await store.append([conversation.turn(0)], as: conversation.holder)
        let columns = [
            "id", "study", "participant", "state", "owner", "epoch", "client", "completion_reason",
            "completion_detail", "created_at", "expires_at", "started_at", "disconnected_at", "rejoin_until",
            "ended_at", "active_ms", "cost_micros",
        ]
        let (names, state) = try await earlier.read { database in
            let row = try Row.fetchOne(database, sql: "SELECT * FROM sessions WHERE id = 'ours'")
            return (row.map { Array($0.columnNames) } ?? [], row?["state"] as String?)
        }
        #expect(Set(columns).isSubset(of: Set(names)))
        #expect(state == "active")
        await store.close()
    }

    @Test("after a restart of the host every lease is past, whatever its clock says")
    func anotherBoot() async throws {
        let temporary = try TemporaryStore()
        var times = LeaseTimes.standard
        times.steady = .zero
        let store = try await temporary.open(leaseTimes: times)
        let conversation = try await Conversation.begin(in: store)
        let row = try #require(try await store.session(conversation.id))
        try await temporary.stranger().write { database in
            try database.execute(sql: "UPDATE instances SET boot_id = 'earlier', lease_until = lease_until * 2")
        }
        #expect(try await store.instances().map(\.leaseLeftMilliseconds) == [0])
        let claim = try await store.claim(
            conversation.id, expecting: row.ownership, by: Conversation.owner, client: "page")
        #expect(claim == .leaseLapsed)
        _ = try await store.register(process("now"))
        let reaped = try await store.reap(
            Sweep(by: InstanceID("now"), defaultRejoin: .seconds(120), defaultHardLimit: .seconds(2_700)))
        #expect(reaped.map(\.cause) == [.ownerLost])
        // Nobody knows when that lease ended: the window begins now.
        let until = try #require(reaped.first?.record.rejoinUntil).milliseconds
        #expect(until - row.createdAt.milliseconds >= 120_000)
        #expect(until - row.createdAt.milliseconds < 180_000)
        let report = InstanceReport(active: 1, capacity: 1, draining: false, settled: 0)
        #expect(try await store.renew(Conversation.owner, report) == LeaseAnswer(changed: 1, hadLapsed: true))
        #expect(try await store.renew(Conversation.owner, report) == LeaseAnswer(changed: 1, hadLapsed: false))
        await store.close()
    }
}
