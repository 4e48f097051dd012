import Dispatch
import Foundation
import GRDB
import InterviewCore
import Logging
import Ports
import Synchronization

/// The `Store` port on one SQLite file: write-ahead log, `synchronous=FULL`, so that what a call has returned survives
/// a kill -9 and a power cut. Several processes may share the file on one host (`busyTimeout`); a network file system
/// is refused, because SQLite's locks do not hold there.
///
/// Nothing here blocks a thread of Swift's own pool. Reads run on GRDB's reader queues and writes on its writer queue,
/// which are dispatch queues of their own; even the waiting for a free reader happens on a queue (GRDB `Pool.swift`,
/// `semaphoreWaitingQueue`). The callback forms `asyncRead` and `asyncWriteWithoutTransaction` are used on purpose: the
/// `async` forms interrupt SQLite when the calling task is cancelled, and a drain that runs out of time would then lose
/// the very row it came to write.
///
/// All writes go through `CommitQueue`, one transaction for many callers.
package final class GRDBStore: Store {
    package struct Options: Sendable {
        /// The database file; its folder is made (0700) when it is missing.
        package var path: String
        /// How long a write waits for another process' transaction; then `unavailable("SQLITE_BUSY")`.
        package var busyTimeout: Duration
        /// Connections that read at the same time.
        package var readers: Int
        /// Upper bound of the database file; reached, the store answers as on a full disk. Nil: the disk decides.
        package var maxBytes: Int64?
        package var commits: CommitLimits
        package var leaseTimes: LeaseTimes
        /// True: the folder is deleted by `close()`.
        package var removesFolder: Bool

        package init(
            path: String, busyTimeout: Duration = .seconds(5), readers: Int = 4, maxBytes: Int64? = nil,
            commits: CommitLimits = CommitLimits(), leaseTimes: LeaseTimes = .standard, removesFolder: Bool = false
        ) {
            self.path = path
            self.busyTimeout = busyTimeout
            self.readers = readers
            self.maxBytes = maxBytes
            self.commits = commits
            self.leaseTimes = leaseTimes
            self.removesFolder = removesFolder
        }

        /// A file in a fresh folder under `TMPDIR`, gone with `close()`: what `:memory:` cannot be, because a pool
        /// needs a file.
        package static func temporary() throws(SQLiteStoreError) -> Options {
            Options(path: try StoreFile.makeTemporaryFolder() + "/voiced.sqlite", removesFolder: true)
        }
    }

    /// What this store has counted since it was opened.
    package var statistics: StoreStatistics { tally.now }
    /// Writing calls that have no answer yet.
    package var unansweredCalls: Int { commits.unanswered }

    let options: Options
    let tally: StoreTally
    let commits: CommitQueue
    let signals: StoreSignals
    private let pool: Mutex<DatabasePool?>
    private let logger: Logger

    /// Opens or creates the file and brings it up to this build's schema. Blocking work happens on a queue of its own.
    package static func open(_ options: Options, logger: Logger) async throws(SQLiteStoreError) -> GRDBStore {
        let queue = DispatchQueue(label: "voiced.store.open")
        let opened: Result<GRDBStore, SQLiteStoreError> = await withCheckedContinuation { continuation in
            queue.async {
                continuation.resume(
                    returning: Result { () throws(SQLiteStoreError) in try GRDBStore(options, logger: logger) })
            }
        }
        return try opened.get()
    }

    private init(_ options: Options, logger: Logger) throws(SQLiteStoreError) {
        try StoreFile.prepare(path: options.path)
        let pool = try StoreConnection.open(options)
        self.options = options
        self.logger = logger
        self.tally = StoreTally()
        self.commits = CommitQueue(writer: pool, limits: options.commits, tally: tally, logger: logger)
        self.signals = StoreSignals(path: options.path)
        self.pool = Mutex(pool)
    }

    // MARK: Access

    /// Runs `body` in a snapshot of the file.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let outcome: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            pool.withLock { pool in
                guard let pool else {
                    continuation.resume(returning: .failure(.closed))
                    return
                }
                pool.asyncRead { database in
                    continuation.resume(
                        returning: Result { try body(try database.get()) }.mapError { StoreError($0) })
                }
            }
        }
        return try outcome.get()
    }

    /// Runs `body` in its share of the next group commit; durable when it returns.
    func write<Value: Sendable>(
        bytes: Int = 0, _ body: @escaping @Sendable (Database, StoreTime) throws -> Value
    ) async throws(StoreError) -> Value {
        try await commits.submit(bytes: bytes, body)
    }

    // MARK: Life

    /// Asks the writer, so a locked file and a stuck disk are noticed. After a failed commit it writes and deletes a
    /// few pages, so that a full disk is called full until it is not.
    package func ping() async throws(StoreError) {
        let failed = commits.hasFailed
        try await write { database, _ in
            guard failed else { return }
            try database.execute(sql: "INSERT INTO probe(body) VALUES (zeroblob(16384))")
            try database.execute(sql: "DELETE FROM probe")
        }
    }

    /// Commits what is queued, then closes every connection. Later calls answer `unavailable("closed")`.
    package func close() async {
        await signals.close()
        await commits.close()
        let last = pool.withLock { pool in
            defer { pool = nil }
            return pool
        }
        guard let last else { return }
        let folder = options.removesFolder ? StoreFile.folder(of: options.path) : nil
        let queue = DispatchQueue(label: "voiced.store.close")
        let logger = logger
        await withCheckedContinuation { continuation in
            queue.async {
                do {
                    try last.close()
                } catch {
                    logger.warning("store not closed", metadata: ["code": "\(StoreError(error))"])
                }
                if let folder { try? FileManager.default.removeItem(atPath: folder) }
                continuation.resume()
            }
        }
    }
}
