import Foundation
import GRDB
import InterviewCore
import Logging
import Ports
import SQLiteStore
import Testing

@Suite("The store's file")
struct SQLiteFileTests {
    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }

    @Test("a missing folder is made for this user alone, and so are the file and its logs")
    func modes() async throws {
        let temporary = try TemporaryStore()
        let path = temporary.folder + "/state/deeper/voiced.sqlite"
        let store = try await GRDBStore.open(GRDBStore.Options(path: path), logger: Logger(label: "test"))
        _ = try await Conversation.begin(in: store)
        #expect(try mode(temporary.folder + "/state") == 0o700)
        #expect(try mode(temporary.folder + "/state/deeper") == 0o700)
        for suffix in ["", "-wal", "-shm"] { #expect(try mode(path + suffix) == 0o600) }
        await store.close()
    }

    @Test("a file that others can read is closed to them, its folder is left as it is")
    func tightens() async throws {
        let temporary = try TemporaryStore()
        _ = FileManager.default.createFile(
            atPath: temporary.path, contents: nil, attributes: [.posixPermissions: NSNumber(value: 0o644)])
        try FileManager.default.setAttributes(
            [.posixPermissions: NSNumber(value: 0o755)], ofItemAtPath: temporary.folder)
        let store = try await temporary.open()
        #expect(try mode(temporary.path) == 0o600)
        #expect(try mode(temporary.folder) == 0o755)
        await store.close()
    }

    @Test("what is no plain file is refused")
    func noPlainFile() async throws {
        let temporary = try TemporaryStore()
        try FileManager.default.createSymbolicLink(
            atPath: temporary.path, withDestinationPath: temporary.folder + "/elsewhere")
        await #expect(throws: SQLiteStoreError.file(code: "not_a_file")) { _ = try await temporary.open() }
        #expect(!FileManager.default.fileExists(atPath: temporary.folder + "/elsewhere"))
    }

    @Test("what is no database is refused with SQLite's own word")
    func noDatabase() async throws {
        let temporary = try TemporaryStore()
        try Data(repeating: 0x41, count: 8_192).write(to: URL(filePath: temporary.path))
        await #expect(throws: SQLiteStoreError.database(code: "SQLITE_NOTADB")) { _ = try await temporary.open() }
    }

    @Test(
        "a network file system is refused by its number, a local one is not",
        arguments: [
            (0x6969, "nfs"), (0xFF53_4D42, "cifs"), (0xFE53_4D42, "smb2"), (0x517B, "smb"), (0x6573_5546, "fuse"),
            (0x0102_1997, "9p"), (0x00C3_6400, "ceph"), (0xEF53, nil), (0x0102_1994, nil), (0x5846_5342, nil),
            (0x9123_683E, nil), (0x794C_7630, nil),
        ] as [(UInt32, String?)])
    func networkFileSystems(magic: UInt32, name: String?) {
        #expect(StoreFile.networkFileSystem(magic: magic) == name)
    }

    @Test("the refusal of a network file system names the remedy")
    func remedy() {
        let text = "\(SQLiteStoreError.networkFileSystem(name: "nfs"))"
        #expect(text.contains("nfs") && text.contains("local disk") && text.contains("PostgreSQL"))
    }

    @Test("the file works with write-ahead log, full synchronisation and foreign keys")
    func settings() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let settings = try await store.settings()
        #expect(settings.journalMode == "wal")
        #expect(settings.synchronous == 2)
        #expect(settings.foreignKeys)
        #expect(!settings.migrations.isEmpty)
        await store.close()
    }

    @Test("a temporary store's folder is gone when it is closed")
    func temporaryIsGone() async throws {
        let options = try GRDBStore.Options.temporary()
        let store = try await GRDBStore.open(options, logger: Logger(label: "test"))
        #expect(FileManager.default.fileExists(atPath: options.path))
        await store.close()
        #expect(!FileManager.default.fileExists(atPath: URL(filePath: options.path).deletingLastPathComponent().path))
    }

    @Test("ten stores that open a new file at once find one schema")
    func openTogether() async throws {
        let temporary = try TemporaryStore()
        let stores = try await withThrowingTaskGroup(of: GRDBStore.self) { group in
            for _ in 0..<10 { group.addTask { try await temporary.open() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let migrations = try await stores[0].settings().migrations
        #expect(migrations == Array(Set(migrations)).sorted())
        let conversation = try await Conversation.begin(in: stores[3])
        #expect(try await stores[7].session(conversation.id)?.state == .active)
        for store in stores { await store.close() }
    }

    @Test("a file that a newer build has migrated further is opened, and its unknown columns and kinds are no harm")
    func newerSchema() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        try await store.append([conversation.turn(0)], as: conversation.holder)
        await store.close()
        try await temporary.stranger().write { database in
            try database.execute(sql: "ALTER TABLE sessions ADD COLUMN next_owner TEXT")
            try database.execute(sql: "ALTER TABLE journal ADD COLUMN client TEXT NOT NULL DEFAULT ''")
            try database.execute(sql: "INSERT INTO grdb_migrations VALUES ('0003 newer')")
            try database.execute(
                sql:
                    "INSERT INTO journal(session, epoch, sequence, kind, at, body) VALUES ('s', 1, 1, 'image', 0, '{}')"
            )
        }
        let again = try await temporary.open()
        try await again.append([conversation.turn(2)], as: conversation.holder)
        #expect(try await again.journal(of: conversation.id).map(\.sequence) == [0, 2])
        #expect(again.statistics.unknownKinds == 1)
        #expect(try await again.session(conversation.id)?.state == .active)
        await again.close()
    }
}
