import InterviewCore
import Ports
import PostgreSQL
import PostgresStore
import TestKit
import Testing

@Suite("Opening a store on PostgreSQL", .serialized, .timeLimit(.minutes(3)))
struct OpeningTests {
    private func failure(_ options: LibPQStore.Options) async -> PostgresStoreError? {
        do throws(PostgresStoreError) { await (try Ward.open(options)).close() } catch { return error }
        return nil
    }

    @Test("an address that is none, a server that is none, a database and a user that do not exist, say so")
    func refusals() async throws {
        let server = try await SharedPostgres.shared.server()
        #expect(await failure(.init(address: "postgresql://host/%zz")) == .address(.pooled))
        #expect(
            await failure(.init(address: server.url(), directAddress: "host='")) == .address(.direct))
        let nobody = try FreePorts.take(1)[0]
        #expect(
            await failure(.init(address: "postgresql://postgres@127.0.0.1:\(nobody)/x"))
                == .cannotConnect(.direct, code: "08001"))
        #expect(await failure(.init(address: server.url(database: "nowhere"))) == .databaseMissing(.direct))
        #expect(
            await failure(.init(address: server.url(user: "nobody"))) == .authentication(.direct, code: "28000"))
    }

    @Test("a pooler that does not answer is told from the server behind it")
    func pooler() async throws {
        let server = try await SharedPostgres.shared.server()
        let database = try await SharedPostgres.shared.makeDatabase()
        let nobody = try FreePorts.take(1)[0]
        let options = LibPQStore.Options(
            address: "postgresql://postgres@127.0.0.1:\(nobody)/\(database)",
            directAddress: server.url(database: database))
        #expect(await failure(options) == .cannotConnect(.pooled, code: "08001"))
    }

    @Test("a database that only reads, and one with another isolation, are refused")
    func unfit() async throws {
        let server = try await SharedPostgres.shared.server()
        let database = try await SharedPostgres.shared.makeDatabase()
        try await server.query("ALTER DATABASE \(database) SET default_transaction_read_only = on")
        #expect(await failure(.init(address: server.url(database: database))) == .readOnly)
        try await server.query("ALTER DATABASE \(database) RESET default_transaction_read_only")
        try await server.query("ALTER DATABASE \(database) SET default_transaction_isolation = 'serializable'")
        #expect(await failure(.init(address: server.url(database: database))) == .isolation)
    }

    @Test("of many that open an empty database at once, one makes the tables and all find them")
    func migratorsAtOnce() async throws {
        let server = try await SharedPostgres.shared.server()
        let database = try await SharedPostgres.shared.makeDatabase()
        let stores = try await withThrowingTaskGroup(of: LibPQStore.self) { group in
            for number in 0..<8 {
                let options = LibPQStore.Options(address: server.url(database: database), build: "b\(number)")
                group.addTask { try await Ward.open(options) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for store in stores {
            #expect(try await store.studies().isEmpty)
            await store.close()
        }
        #expect(try await server.query("SELECT version FROM voiced_migrations", database: database) == [["1"]])
    }

    @Test("a schema that a newer build has made is accepted and left alone")
    func newer() async throws {
        let server = try await SharedPostgres.shared.server()
        let database = try await SharedPostgres.shared.makeDatabase()
        let options = LibPQStore.Options(address: server.url(database: database))
        await (try Ward.open(options)).close()
        try await server.query(
            """
            ALTER TABLE sessions ADD COLUMN mood text NOT NULL DEFAULT 'good';
            INSERT INTO voiced_migrations(version, build) VALUES (2, 'newer')
            """, database: database)
        let ward = Ward(server: server, store: try await Ward.open(options))
        let held = try await ward.hold("s")
        #expect(try await ward.store.session(held.id)?.state == .active)
        await ward.store.close()
    }

    @Test("a record that another build has written in other words is the same record")
    func otherWords() async throws {
        let server = try await SharedPostgres.shared.server()
        let database = try await SharedPostgres.shared.makeDatabase()
        let ward = Ward(
            server: server, store: try await Ward.open(.init(address: server.url(database: database))))
        let held = try await ward.hold("s")
        let note = JournalRecord(
            session: held.id, epoch: held.ownership.epoch, sequence: 0, entry: .note(NoteEntry(what: "full")))
        try await server.query(
            """
            INSERT INTO journal(session, epoch, sequence, kind, at, body)
            VALUES ('s', \(held.ownership.epoch), 0, 'note', 0, '{ "since": 3, "what": "full" }')
            """, database: database)
        try await ward.store.append([note, Ward.turn(1, of: held)], as: held.ownership)
        #expect(try await ward.store.journal(of: held.id).map(\.sequence) == [0, 1])
        var other = note
        other.entry = .note(NoteEntry(what: "empty"))
        let failure = await Ward.failure { () throws(StoreError) in
            try await ward.store.append([other], as: held.ownership)
        }
        #expect(failure == .conflict)
        #expect(ward.store.statistics.conflicts == 1)
        await ward.store.close()
    }

    @Test("a store that may open without its server comes up when the server does")
    func without() async throws {
        let server = try await PostgresServer.start()
        try await server.makeDatabase(Ward.database)
        try await server.stop()
        var options = Ward.options(server)
        #expect(await failure(options) == .cannotConnect(.direct, code: "08001"))
        options.opensWithoutServer = true
        let ward = Ward(server: server, store: try await Ward.open(options))
        #expect(Ward.isUnavailable(await Ward.failure { () throws(StoreError) in try await ward.store.ping() }))
        try await server.start()
        #expect(try await ward.recovers())
        _ = try await ward.hold("s")
        try await ward.close()
    }
}
