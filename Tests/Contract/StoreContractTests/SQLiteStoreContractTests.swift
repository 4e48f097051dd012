import InterviewCore
import Logging
import Ports
import SQLiteStore
import Synchronization
import TestKit
import Testing

@Suite("GRDBStore keeps the store's promises")
struct SQLiteStoreContractTests {
    @Test(arguments: StoreContract.cases)
    func keeps(_ promise: StoreContract.Case) async throws {
        try await promise.run(on: try SQLiteFixture())
    }

    /// A store that commits every call alone must keep them too: the promises do not rest on the batches.
    @Test(arguments: StoreContract.cases)
    func keepsWithoutGroupCommit(_ promise: StoreContract.Case) async throws {
        try await promise.run(on: try SQLiteFixture(commits: CommitLimits(operationsPerCommit: 1)))
    }
}

/// One temporary file, opened as often as a case likes.
final class SQLiteFixture: StoreFixture {
    private let options: GRDBStore.Options
    private let opened = Mutex<[GRDBStore]>([])

    init(commits: CommitLimits = CommitLimits()) throws {
        var options = try GRDBStore.Options.temporary()
        options.removesFolder = false
        options.commits = commits
        self.options = options
    }

    func open(_ times: LeaseTimes) async throws -> any Store {
        var options = options
        options.leaseTimes = times
        let store = try await GRDBStore.open(options, logger: Logger(label: "test"))
        opened.withLock { $0.append(store) }
        return store
    }

    func outbox() async throws -> [OutboxEntry] {
        let store = try await GRDBStore.open(options, logger: Logger(label: "test"))
        let rows = try await store.outbox()
        await store.close()
        return rows.map {
            OutboxEntry(session: $0.session, epoch: $0.epoch, kind: $0.kind, ordinal: $0.ordinal)
        }
    }

    func discard() async {
        for store in opened.withLock({ $0 }) { await store.close() }
        var options = options
        options.removesFolder = true
        if let last = try? await GRDBStore.open(options, logger: Logger(label: "test")) { await last.close() }
    }
}
