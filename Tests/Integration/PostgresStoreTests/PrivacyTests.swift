import InterviewCore
import Ports
import PostgreSQL
import PostgresStore
import TestKit
import Testing

@Suite("What people say stays in the tables", .serialized, .timeLimit(.minutes(2)))
struct PrivacyTests {
    @Test("no error that can be provoked puts speech into the server's log or our own words")
    func errors() async throws {
        // Everything that an operator may switch on without naming parameters.
        let ward = try await Ward.open(settings: [
            "log_min_error_statement": "error", "log_error_verbosity": "verbose", "log_min_messages": "info",
            "log_lock_waits": "on", "deadlock_timeout": "10ms",
        ])
        let held = try await ward.hold("s")
        let speech = Ward.speech
        try await ward.store.append([Ward.turn(0, of: held)], as: held.ownership)
        var words: [String] = []
        let note = { (failure: StoreError?) in words.append("\(String(describing: failure))") }
        note(
            await Ward.failure { () throws(StoreError) in
                try await ward.store.append([Ward.turn(0, of: held, speech + " nicht")], as: held.ownership)
            })
        // U+0000 wherever text can come from outside: PostgreSQL would repeat what stands around it.
        let nul = speech + "\0" + speech
        note(
            await Ward.failure { () throws(StoreError) in
                try await ward.store.append([Ward.turn(1, of: held, nul)], as: held.ownership)
                try await ward.store.update(held.id, as: held.ownership, .reconnected(client: nul))
                _ = try await ward.store.requestClose(held.id, detail: nul)
            })
        #expect(words == ["Optional(Ports.StoreError.conflict)", "nil"])
        // A table that is missing: the batch fails whole, with the speech in its parameter.
        try await ward.server.query("ALTER TABLE journal RENAME TO elsewhere", database: Ward.database)
        note(
            await Ward.failure { () throws(StoreError) in
                try await ward.store.append([Ward.turn(2, of: held)], as: held.ownership)
            })
        try await ward.server.query("ALTER TABLE elsewhere RENAME TO journal", database: Ward.database)
        // A row that is locked until the statement is given up.
        let holder = PostgresConnection()
        try await holder.connect(
            to: PostgresAddress(ward.server.url(database: Ward.database)), within: .seconds(5))
        try await holder.script("BEGIN; SELECT * FROM sessions FOR UPDATE", within: .seconds(5))
        note(
            await Ward.failure { () throws(StoreError) in
                _ = try await ward.store.claim(held.id, expecting: held.ownership, by: InstanceID("me"), client: nul)
            })
        try await ward.server.stop(.immediate)
        #expect(words.suffix(2).allSatisfy { $0 != "nil" }, "\(words)")
        for text in words + [ward.server.log] {
            #expect(!text.contains("Zwackelmann"))
            #expect(!text.contains("Kirchgasse"))
        }
        await holder.close()
        await ward.store.close()
    }
}
