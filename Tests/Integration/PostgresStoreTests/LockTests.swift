import InterviewCore
import Ports
import PostgreSQL
import PostgresStore
import TestKit
import Testing

@Suite("A store and what others hold", .serialized, .timeLimit(.minutes(3)))
struct LockTests {
    private func ward() async throws -> (Ward, String) {
        let server = try await SharedPostgres.shared.server()
        let database = try await SharedPostgres.shared.makeDatabase()
        var options = LibPQStore.Options(address: server.url(database: database))
        options.statementLimit = .seconds(1)
        return (Ward(server: server, store: try await Ward.open(options)), database)
    }

    @Test("a row that somebody holds: a claim gives up soon, and wins when the row is free")
    func heldRow() async throws {
        let (ward, database) = try await ward()
        let held = try await ward.hold("s")
        let holder = PostgresConnection()
        try await holder.connect(
            to: PostgresAddress(ward.server.url(database: database)), within: .seconds(5))
        try await holder.script("BEGIN; SELECT * FROM sessions FOR NO KEY UPDATE", within: .seconds(5))
        let claim = { () async throws(StoreError) in
            _ = try await ward.store.claim(held.id, expecting: held.ownership, by: InstanceID("me"), client: "x")
        }
        #expect(await Ward.failure(claim) == .unavailable(code: "lock_timeout"))
        let append = await Ward.failure { () throws(StoreError) in
            try await ward.store.append([Ward.turn(0, of: held)], as: held.ownership)
        }
        #expect(Ward.isUnavailable(append))
        // Reading waits for nobody.
        #expect(try await ward.store.session(held.id)?.ownership == held.ownership)
        try await holder.script("ROLLBACK", within: .seconds(5))
        #expect(await Ward.failure(claim) == nil)
        await holder.close()
        await ward.store.close()
    }

    @Test("crowds that lock the same rows in every order all get through")
    func crowd() async throws {
        let (ward, database) = try await ward()
        let other = try await Ward.open(LibPQStore.Options(address: ward.server.url(database: database)))
        var sessions: [(id: SessionID, ownership: Ownership)] = []
        for number in 0..<12 { sessions.append(try await ward.hold("s\(number)")) }
        let held = sessions
        try await withThrowingTaskGroup(of: Void.self) { group in
            for round in 0..<20 {
                for (number, store) in [ward.store, other].enumerated() {
                    group.addTask {
                        let order = round % 2 == number ? held : held.reversed()
                        let records = order.map { session in
                            JournalRecord(
                                session: session.id, epoch: session.ownership.epoch,
                                sequence: Int64(round * 2 + number),
                                entry: .usage(
                                    UsageEntry(
                                        provider: "p", model: "m", response: "\(session.id)-\(round)", usage: Usage(),
                                        micros: 1, estimated: false)))
                        }
                        try await store.append(records, as: held[0].ownership)
                    }
                }
            }
            try await group.waitForAll()
        }
        for session in held {
            #expect(try await ward.store.session(session.id)?.costMicros == 20)
            #expect(try await ward.store.journal(of: session.id).count == 40)
        }
        let ledger = try await ward.store.ledger(of: #require(StudyID("study")))
        #expect(ledger?.spentMicros == 240)
        #expect(ledger?.reservedMicros == 12 * Reservation.step - 240)
        await other.close()
        await ward.store.close()
    }
}
