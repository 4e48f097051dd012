import InterviewCore
import Logging
import Ports
import PostgreSQL
import Synchronization

/// The `Store` port on PostgreSQL 13 or later, by libpq, also through PgBouncer in transaction mode.
///
/// Every change is one function in the database, called by one SELECT: the whole of a transaction travels as one
/// message, and what takes row locks is its last statement. A process that is stopped (SIGSTOP, a frozen host) at any
/// instant has then either not taken them, or has sent all that it takes to give them back. No session state is used,
/// no named statement; timeouts are set inside each transaction.
///
/// Connections: one for the group commit, one for leases (a renewal must not wait behind a crowd of claims), the others
/// for everything else; and one on the direct address that listens, while somebody wants signals.
package final class LibPQStore: Store {
    package struct CommitLimits: Sendable, Hashable {
        /// Callers whose changes share one transaction, and the bytes of JSON in it.
        package var operationsPerCommit: Int
        package var bytesPerCommit: Int
        /// What may be without an answer, together; beyond it callers are refused with `unavailable("queue_full")`.
        package var waitingOperations: Int
        package var waitingBytes: Int

        package init(
            operationsPerCommit: Int = 256, bytesPerCommit: Int = 4 << 20, waitingOperations: Int = 8_192,
            waitingBytes: Int = 64 << 20
        ) {
            self.operationsPerCommit = max(1, operationsPerCommit)
            self.bytesPerCommit = max(1, bytesPerCommit)
            self.waitingOperations = max(1, waitingOperations)
            self.waitingBytes = max(1, waitingBytes)
        }
    }

    package struct Options: Sendable {
        /// `DATABASE_URL`: may lead through PgBouncer.
        package var address: String
        /// `DATABASE_DIRECT_URL`: to the server itself, for LISTEN and migrations. Nil: as `address`.
        package var directAddress: String?
        /// 3 at least.
        package var connections: Int
        /// The name of this build, for the list of migrations.
        package var build: String
        package var leaseTimes: LeaseTimes
        package var commits: CommitLimits
        /// From a call to its answer, whatever the server does. Longer than `statementLimit`.
        package var deadline: Duration
        /// The same for renewals and pings, whose caller asks again soon.
        package var shortDeadline: Duration
        /// Until the server gives a statement up.
        package var statementLimit: Duration
        /// Until a claim gives up on a row that somebody holds.
        package var claimLockLimit: Duration
        /// True: a server that is away is no error of `open`; the store comes up without it and keeps trying.
        package var opensWithoutServer: Bool

        package init(
            address: String, directAddress: String? = nil, connections: Int = 4, build: String = "unknown",
            leaseTimes: LeaseTimes = .standard, commits: CommitLimits = CommitLimits(),
            deadline: Duration = .seconds(6),
            shortDeadline: Duration = .seconds(3), statementLimit: Duration = .seconds(5),
            claimLockLimit: Duration = .milliseconds(500), opensWithoutServer: Bool = false
        ) {
            self.address = address
            self.directAddress = directAddress
            self.connections = connections
            self.build = build
            self.leaseTimes = leaseTimes
            self.commits = commits
            self.deadline = deadline
            self.shortDeadline = shortDeadline
            self.statementLimit = statementLimit
            self.claimLockLimit = claimLockLimit
            self.opensWithoutServer = opensWithoutServer
        }
    }

    /// Which connections a call takes.
    enum Lane: Sendable {
        case general, leases
    }

    static let fewestConnections = 3

    let options: Options
    let tally = PostgresTally()
    let commits: PostgresCommits
    let signals: PostgresSignals
    private let commitPool: PostgresPool
    private let leasePool: PostgresPool
    private let generalPool: PostgresPool
    /// Still waiting for a server that was away when the store was opened.
    private let opening = Mutex<Task<Void, Never>?>(nil)

    /// Makes the tables where they are missing. Throws what an operator has to mend.
    package static func open(_ options: Options, logger: Logger) async throws(PostgresStoreError) -> LibPQStore {
        let pooled = try address(options.address, .pooled)
        let direct = try options.directAddress.map { text throws(PostgresStoreError) in try address(text, .direct) }
        let migrator = PostgresMigrator(address: direct ?? pooled, build: options.build, logger: logger)
        let store = LibPQStore(options, pooled: pooled, direct: direct ?? pooled, logger: logger)
        do throws(PostgresStoreError) {
            try await migrator.run()
            if direct != nil { try await check(pooled) }
        } catch {
            guard options.opensWithoutServer, error.mayPass else { throw error }
            logger.error("store is away; starting without it", metadata: ["reason": "\(error)"])
            store.keepOpening(migrator, logger)
            return store
        }
        await store.start()
        return store
    }

    private init(_ options: Options, pooled: PostgresAddress, direct: PostgresAddress, logger: Logger) {
        let tally = tally
        self.options = options
        let bell = Bell()
        let commitPool = PostgresPool(pooled, lanes: 1, bell: bell, tally: tally, logger: logger)
        self.commitPool = commitPool
        leasePool = PostgresPool(pooled, lanes: 1, bell: bell, tally: tally, logger: logger)
        generalPool = PostgresPool(
            pooled, lanes: max(options.connections, Self.fewestConnections) - 2, bell: bell, tally: tally,
            logger: logger)
        signals = PostgresSignals(direct, bell: bell, tally: tally, logger: logger)
        let settings = Self.settings(options, lockLimit: options.statementLimit)
        commits = PostgresCommits(limits: options.commits, tally: tally) { statement throws(PostgresError) in
            try await commitPool.run([settings, statement], within: options.deadline)[1]
        }
    }

    private static func address(
        _ text: String, _ setting: PostgresStoreError.Setting
    ) throws(PostgresStoreError) -> PostgresAddress {
        do { return try PostgresAddress(text) } catch { throw PostgresStoreError(error, of: setting) }
    }

    private static func check(_ address: PostgresAddress) async throws(PostgresStoreError) {
        let connection = PostgresConnection()
        do throws(PostgresError) {
            try await connection.connect(to: address, within: PostgresPool.connectLimit)
        } catch { throw PostgresStoreError(error, of: .pooled) }
        try await PostgresMigrator.check(connection, .pooled)
        await connection.close()
    }

    // MARK: Calls

    /// Runs one statement, which takes whatever locks it needs, as a transaction with our timeouts.
    func call(
        _ text: StaticString, _ parameters: [String?], lane: Lane = .general, lockLimit: Duration? = nil
    ) async throws(StoreError) -> [PostgresRow] {
        let settings = Self.settings(options, lockLimit: lockLimit ?? options.statementLimit)
        let statements = [settings, PostgresStatement(text, parameters)]
        do throws(PostgresError) {
            switch lane {
            case .general: return try await generalPool.run(statements, within: options.deadline)[1]
            case .leases: return try await leasePool.run(statements, within: options.shortDeadline)[1]
            }
        } catch { throw StoreError(error) }
    }

    /// Calls one of our functions, which take an object and answer with one.
    func ask(
        _ text: StaticString, _ ask: some Encodable, lane: Lane = .general, lockLimit: Duration? = nil
    ) async throws(StoreError) -> StoredAnswer {
        let rows = try await call(text, [StoredText.json(ask)], lane: lane, lockLimit: lockLimit)
        return try StoredText.value(StoredAnswer.self, from: rows.first?.first ?? nil, "answer")
    }

    /// All of them end with the transaction. `idle_in_transaction_session_timeout` is for poolers and proxies that stop
    /// between our message and its end; PostgreSQL 15 does not apply it inside a pipeline, which is why row locks wait
    /// for the last statement. Where `synchronous_commit` is off, what we call durable would not be.
    private static func settings(_ options: Options, lockLimit: Duration) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true),
                set_config('idle_in_transaction_session_timeout', '2000', true),
                set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                    WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)
            """,
            ["\(options.statementLimit.storedWindow)", "\(lockLimit.storedWindow)"])
    }

    // MARK: Life

    private func start() async {
        await withTaskGroup(of: Void.self) { group in
            for pool in [commitPool, leasePool, generalPool] { group.addTask { await pool.start() } }
        }
    }

    private func keepOpening(_ migrator: PostgresMigrator, _ logger: Logger) {
        let task = Task { [weak self] in
            var backoff = Backoff()
            while !Task.isCancelled {
                try? await Task.sleep(for: backoff.pause())
                do throws(PostgresStoreError) {
                    try await migrator.run()
                    await self?.start()
                    logger.notice("store has come")
                    return
                } catch {
                    if !error.mayPass { logger.error("store cannot be opened", metadata: ["reason": "\(error)"]) }
                }
            }
        }
        opening.withLock { $0 = task }
    }

    package func signals(for id: InstanceID) -> AsyncStream<Void> { signals.stream(for: id) }

    /// Asks on the connection of the leases; the store answers when journals and everything else have one as well.
    package func ping() async throws(StoreError) {
        _ = try await call("SELECT 1", [], lane: .leases)
        for pool in [commitPool, generalPool] {
            if let absence = pool.absence { throw StoreError(absence) }
        }
    }

    /// Commits what is queued, then closes every connection. Later calls answer `unavailable("closed")`.
    package func close() async {
        if let task = opening.withLock({ $0 }) {
            task.cancel()
            await task.value
        }
        await commits.close()
        await signals.close()
        for pool in [commitPool, leasePool, generalPool] { await pool.close() }
    }

    /// What this store has seen since it was opened, and its connections now.
    package var statistics: PostgresStatistics {
        var now = tally.now
        now.connections = max(options.connections, Self.fewestConnections)
        now.waitingCalls = commits.unanswered
        for pool in [commitPool, leasePool, generalPool] {
            let numbers = pool.numbers
            now.connectionsUp += numbers.up
            now.connectionsBusy += numbers.busy
            now.waitingCalls += numbers.waiting
        }
        return now
    }
}
