import Foundation
import GRDB
import Ports

/// Opens the pool with the settings that the promises rest on.
enum StoreConnection {
    /// Two processes that start together on a new file meet in `PRAGMA journal_mode=WAL`, which wants the file for
    /// itself and does not always wait for it; and in the migrations, where the slower one finds its tables made.
    /// Trying again is the remedy for both.
    static let openAttempts = 20
    private static let pauseBetweenAttempts: TimeInterval = 0.05

    /// Blocks. Throws what the last attempt met.
    static func open(_ options: GRDBStore.Options) throws(SQLiteStoreError) -> DatabasePool {
        var attempt = 1
        while true {
            do {
                return try openOnce(options)
            } catch {
                let failure = StoreError(error)
                guard attempt < openAttempts, isWorthAnotherTry(error) else {
                    throw SQLiteStoreError.database(code: failure.code)
                }
                attempt += 1
                Thread.sleep(forTimeInterval: pauseBetweenAttempts)
            }
        }
    }

    /// What two processes that open at once do to each other; everything else stays as it is.
    private static func isWorthAnotherTry(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_CONSTRAINT, .SQLITE_ERROR: return true
        default: return false
        }
    }

    private static func openOnce(_ options: GRDBStore.Options) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "voiced.store"
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(Double(max(0, options.busyTimeout.wholeMilliseconds)) / 1_000)
        configuration.maximumReaderCount = max(1, options.readers)
        // A rollback that fails would otherwise trap the process (GRDB `preconditionNoUnsafeTransactionLeft`);
        // `CommitQueue` clears what a failed commit has left behind.
        configuration.allowsUnsafeTransactions = true
        let pool = try DatabasePool(path: options.path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
            // After the pool has been opened: GRDB sets NORMAL when it switches to the write-ahead log, and with it a
            // power cut may take back commits that we have called durable.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            if let bytes = options.maxBytes {
                let page = try Int64.fetchOne(database, sql: "PRAGMA page_size") ?? 4_096
                try database.execute(sql: "PRAGMA max_page_count = \(max(1, bytes / max(1, page)))")
            }
        }
        try StoreSchema.migrator.migrate(pool)
        return pool
    }
}

/// The settings in force, for tests and for whoever asks an operator's question of a running store.
package struct StoreSettings: Sendable, Hashable {
    package var journalMode: String
    /// 2: FULL.
    package var synchronous: Int
    package var foreignKeys: Bool
    package var migrations: [String]
}

extension GRDBStore {
    package func settings() async throws(StoreError) -> StoreSettings {
        try await write { database, _ in
            StoreSettings(
                journalMode: try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "",
                synchronous: try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? -1,
                foreignKeys: try Bool.fetchOne(database, sql: "PRAGMA foreign_keys") ?? false,
                migrations: try StoreSchema.migrator.appliedMigrations(database))
        }
    }
}
