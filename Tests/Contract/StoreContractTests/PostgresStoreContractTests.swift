import InterviewCore
import Logging
import Ports
import PostgresStore
import Synchronization
import TestKit
import Testing

/// One after the other: each case opens stores with several connections, and the server has so many.
@Suite("LibPQStore keeps the store's promises", .serialized)
struct PostgresStoreContractTests {
    @Test(arguments: StoreContract.cases)
    func keeps(_ promise: StoreContract.Case) async throws {
        try await promise.run(on: try await PostgresFixture(isPooled: false))
    }

    /// A store that commits every call alone must keep them too: the promises do not rest on the batches.
    @Test(arguments: StoreContract.cases)
    func keepsWithoutGroupCommit(_ promise: StoreContract.Case) async throws {
        let commits = LibPQStore.CommitLimits(operationsPerCommit: 1)
        try await promise.run(on: try await PostgresFixture(isPooled: false, commits: commits))
    }
}

/// Behind a pooler in transaction mode every transaction may run on another server connection. With one client even
/// named statements seem to work there, so a second store keeps the pool in motion.
@Suite("LibPQStore keeps the store's promises through PgBouncer", .serialized)
struct PooledPostgresStoreContractTests {
    @Test(arguments: StoreContract.cases)
    func keeps(_ promise: StoreContract.Case) async throws {
        try await promise.run(on: try await PostgresFixture(isPooled: true))
    }
}

/// One fresh database of the shared server, opened as often as a case likes.
final class PostgresFixture: StoreFixture {
    private let database: String
    private let options: LibPQStore.Options
    private let opened = Mutex<[LibPQStore]>([])
    private let disturber: Task<Void, Never>?

    init(isPooled: Bool, commits: LibPQStore.CommitLimits = .init()) async throws {
        let server = try await SharedPostgres.shared.server()
        let database = try await SharedPostgres.shared.makeDatabase()
        self.database = database
        let direct = server.url(database: database)
        var options = LibPQStore.Options(address: direct, build: "test")
        options.commits = commits
        if isPooled {
            options.directAddress = direct
            options.address = try await SharedPostgres.shared.bouncer().url(database: database)
        }
        self.options = options
        disturber = isPooled ? Self.disturb(options) : nil
    }

    func open(_ times: LeaseTimes) async throws -> any Store {
        var options = options
        options.leaseTimes = times
        let store = try await LibPQStore.open(options, logger: Logger(label: "test"))
        opened.withLock { $0.append(store) }
        return store
    }

    func outbox() async throws -> [OutboxEntry] {
        let rows = try await SharedPostgres.shared.server().query(
            "SELECT session, epoch, kind, ordinal FROM jobs", database: database)
        return rows.map {
            OutboxEntry(session: $0[0], epoch: Int64($0[1]) ?? -1, kind: $0[2], ordinal: Int64($0[3]) ?? -1)
        }
    }

    func discard() async {
        disturber?.cancel()
        await disturber?.value
        for store in opened.withLock({ $0 }) { await store.close() }
        try? await SharedPostgres.shared.server().dropDatabase(database)
    }

    /// Another process' store, which asks all the time and so takes server connections from under the first.
    private static func disturb(_ options: LibPQStore.Options) -> Task<Void, Never> {
        Task {
            guard let other = try? await LibPQStore.open(options, logger: Logger(label: "test")) else { return }
            while !Task.isCancelled {
                _ = try? await other.instances()
                _ = try? await other.sessions(SessionFilter(limit: 1))
                try? await Task.sleep(for: .milliseconds(1))
            }
            await other.close()
        }
    }
}
