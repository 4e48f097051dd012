import InterviewCore
import Ports
import PostgreSQL
import PostgresStore
import TestKit
import Testing

@Suite("A store whose server goes away", .serialized, .timeLimit(.minutes(3)))
struct OutageTests {
    @Test(
        "a server that is stopped is unavailable, and the store works when it is back",
        arguments: [
            PostgresServer.Stop.fast, .immediate, .kill,
        ])
    func stopped(_ how: PostgresServer.Stop) async throws {
        let ward = try await Ward.open()
        let held = try await ward.hold("s")
        try await ward.store.append([Ward.turn(0, of: held)], as: held.ownership)
        try await ward.server.stop(how)
        let failures = [
            await Ward.failure { () throws(StoreError) in try await ward.store.ping() },
            await Ward.failure { () throws(StoreError) in
                try await ward.store.append([Ward.turn(1, of: held)], as: held.ownership)
            },
            await Ward.failure { () throws(StoreError) in _ = try await ward.store.session(held.id) },
        ]
        #expect(failures.allSatisfy { Ward.isUnavailable($0) }, "\(failures)")
        try await ward.server.start()
        try await Ward.insist { () throws(StoreError) in
            try await ward.store.append([Ward.turn(0, of: held), Ward.turn(1, of: held)], as: held.ownership)
        }
        #expect(try await ward.recovers())
        #expect(try await ward.store.journal(of: held.id).map(\.sequence) == [0, 1])
        try await ward.close()
    }

    @Test("a restart between two calls is noticed by neither")
    func restarted() async throws {
        let ward = try await Ward.open()
        let held = try await ward.hold("s")
        try await ward.store.append([Ward.turn(0, of: held)], as: held.ownership)
        try await ward.server.stop(.fast)
        try await ward.server.start()
        try await ward.store.append([Ward.turn(1, of: held)], as: held.ownership)
        #expect(try await ward.store.journal(of: held.id).count == 2)
        try await ward.close()
    }

    @Test("a server that is frozen is unavailable within the deadline, and the store works when it wakes up")
    func frozen() async throws {
        let ward = try await Ward.open()
        let held = try await ward.hold("s")
        ward.server.freeze()
        async let append = Ward.failure { () throws(StoreError) in
            try await ward.store.append([Ward.turn(0, of: held)], as: held.ownership)
        }
        async let ping = Ward.failure { () throws(StoreError) in try await ward.store.ping() }
        async let read = Ward.failure { () throws(StoreError) in _ = try await ward.store.journal(of: held.id) }
        let failures = await [append, ping, read]
        #expect(failures == Array(repeating: StoreError.unavailable(code: "deadline"), count: 3))
        ward.server.thaw()
        #expect(try await ward.recovers())
        // The frozen server may have had the append in its buffer.
        try await Ward.insist { () throws(StoreError) in
            try await ward.store.append([Ward.turn(0, of: held)], as: held.ownership)
        }
        let journal = try await Ward.insist { () throws(StoreError) in try await ward.store.journal(of: held.id) }
        #expect(journal.count == 1)
        try await ward.close()
    }

    @Test("signals come, and come again after the server was away")
    func signals() async throws {
        let ward = try await Ward.open()
        let held = try await ward.hold("s", owner: "old")
        var signals = ward.store.signals(for: InstanceID("old")).makeAsyncIterator()
        // Whoever begins to listen is told once.
        _ = await signals.next()
        try await ward.live("new")
        _ = try await ward.store.claim(held.id, expecting: held.ownership, by: InstanceID("new"), client: "p")
        _ = await signals.next()
        #expect(ward.store.statistics.signals == 1)
        try await ward.server.stop(.immediate)
        try await ward.server.start()
        #expect(try await ward.recovers())
        _ = await signals.next()
        try await Ward.insist { () throws(StoreError) in
            _ = try await ward.store.register(
                NewInstance(id: InstanceID("old"), build: "b", mediaAddress: "h:9", mediaURL: nil, capacity: 1))
            _ = try await ward.store.session(held.id)
        }
        let row = try #require(try await ward.store.session(held.id))
        _ = try await ward.store.claim(held.id, expecting: row.ownership, by: InstanceID("old"), client: "p")
        let again = try #require(try await ward.store.session(held.id))
        _ = try await ward.store.claim(held.id, expecting: again.ownership, by: InstanceID("new"), client: "p")
        #expect(try await waits(until: { ward.store.statistics.signals >= 2 }, within: .seconds(20)))
        await ward.store.close()
        while await signals.next() != nil {}
        try await ward.close()
    }

    @Test("a PgBouncer that is restarted, and one whose server is away")
    func pooled() async throws {
        let ward = try await Ward.open()
        let bouncer = try await PgBouncer.start(before: ward.server)
        var options = Ward.options(ward.server)
        options.directAddress = options.address
        options.address = bouncer.url(database: Ward.database)
        let pooled = try await Ward.open(options)
        let held = try await ward.hold("s")
        try await pooled.append([Ward.turn(0, of: held)], as: held.ownership)
        try await bouncer.stop()
        let failure = await Ward.failure { () throws(StoreError) in try await pooled.ping() }
        #expect(Ward.isUnavailable(failure))
        try await bouncer.start()
        #expect(try await ward.recovers(pooled))
        try await pooled.append([Ward.turn(1, of: held)], as: held.ownership)
        try await ward.server.stop(.immediate)
        #expect(Ward.isUnavailable(await Ward.failure { () throws(StoreError) in try await pooled.ping() }))
        try await ward.server.start()
        #expect(try await ward.recovers(pooled))
        // Each lane comes back for itself.
        #expect(
            try await waits(
                until: {
                    await Ward.failure { () throws(StoreError) in
                        try await pooled.append([Ward.turn(2, of: held)], as: held.ownership)
                    } == nil
                }, within: .seconds(30)))
        #expect(try await ward.store.journal(of: held.id).map(\.sequence) == [0, 1, 2])
        await pooled.close()
        try await bouncer.stop()
        try await ward.close()
    }

    @Test("connections that are killed in the middle of work cost neither a record nor its order")
    func killed() async throws {
        let ward = try await Ward.open()
        let held = try await ward.hold("s")
        let killer = Task {
            while !Task.isCancelled {
                _ = try? await ward.server.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'voiced'")
            }
        }
        for sequence in 0..<Int64(100) {
            let record = Ward.turn(sequence, of: held)
            try await Ward.insist { () throws(StoreError) in
                try await ward.store.append([record], as: held.ownership)
            }
        }
        killer.cancel()
        await killer.value
        let journal = try await Ward.insist { () throws(StoreError) in try await ward.store.journal(of: held.id) }
        #expect(journal.map(\.sequence) == Array(0..<100))
        try await ward.close()
    }
}
