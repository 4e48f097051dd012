import DequeModule
import GRDB
import InterviewCore
import Logging
import Ports
import Synchronization

package struct CommitLimits: Sendable, Hashable {
    /// Callers whose changes share one transaction, and the bytes of journal in it. A process that is stopped inside a
    /// write holds every other one on this file until it wakes, so a transaction stays one batch.
    package var operationsPerCommit: Int
    package var bytesPerCommit: Int
    /// What may be without an answer, together; beyond it callers are refused with `unavailable("queue_full")`.
    package var waitingOperations: Int
    package var waitingBytes: Int

    package init(
        operationsPerCommit: Int = 512, bytesPerCommit: Int = 4 << 20, waitingOperations: Int = 8_192,
        waitingBytes: Int = 64 << 20
    ) {
        self.operationsPerCommit = max(1, operationsPerCommit)
        self.bytesPerCommit = max(1, bytesPerCommit)
        self.waitingOperations = max(1, waitingOperations)
        self.waitingBytes = max(1, waitingBytes)
    }
}

/// Group commit: callers queue up while the disk is busy with the ones before them, and the next transaction takes all
/// that wait. Nobody waits for a timer, and a lonely caller pays one `fsync` as before.
///
/// Each caller's change runs in a savepoint of its own: one that is refused (fenced, conflict) leaves no trace and
/// disturbs nobody. What befalls the transaction as a whole (disk full, locked, I/O) is everybody's answer. Callers are
/// served in the order in which they came, so a session's records stay in theirs.
final class CommitQueue: Sendable {
    private struct Operation: Sendable {
        var bytes: Int
        /// Answers with what tells the caller, once the transaction is durable.
        var perform: @Sendable (Database, StoreTime) throws -> @Sendable () -> Void
        var refuse: @Sendable (StoreError) -> Void
    }

    private struct State {
        /// Nil once closed.
        var writer: DatabasePool?
        var waiting: Deque<Operation> = []
        var waitingBytes = 0
        /// The batch that is being committed.
        var inHand = 0
        /// A drain runs on, or is on its way to, the writer's queue.
        var draining = false
        var closing: [CheckedContinuation<Void, Never>] = []
        var failure: StoreError?
    }

    private let state: Mutex<State>
    private let limits: CommitLimits
    private let tally: StoreTally
    private let logger: Logger

    init(writer: DatabasePool, limits: CommitLimits, tally: StoreTally, logger: Logger) {
        self.state = Mutex(State(writer: writer))
        self.limits = limits
        self.tally = tally
        self.logger = logger
    }

    /// The last commit that wrote anything failed.
    var hasFailed: Bool { state.withLock { $0.failure != nil } }

    /// Callers that have no answer yet.
    var unanswered: Int { state.withLock { $0.waiting.count + $0.inHand } }

    /// Runs `body` inside the next transaction and returns when that is durable. Not to be cancelled: a caller whose
    /// task is gone gets its change written all the same.
    func submit<Value: Sendable>(
        bytes: Int, _ body: @escaping @Sendable (Database, StoreTime) throws -> Value
    ) async throws(StoreError) -> Value {
        let outcome: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            enqueue(
                Operation(
                    bytes: bytes,
                    perform: { database, now in
                        let value = try body(database, now)
                        return { continuation.resume(returning: .success(value)) }
                    },
                    refuse: { continuation.resume(returning: .failure($0)) }))
        }
        return try outcome.get()
    }

    private func enqueue(_ operation: Operation) {
        let refusal: StoreError? = state.withLock { state in
            guard let writer = state.writer, state.closing.isEmpty else { return .closed }
            guard state.waiting.count + state.inHand < limits.waitingOperations,
                operation.bytes <= limits.waitingBytes - state.waitingBytes
            else { return .unavailable(code: "queue_full") }
            state.waiting.append(operation)
            state.waitingBytes += operation.bytes
            if !state.draining {
                state.draining = true
                writer.asyncWriteWithoutTransaction { [self] database in drain(database) }
            }
            return nil
        }
        if let refusal { operation.refuse(refusal) }
    }

    /// Commits what waits, refuses what comes; returns when the writer is idle.
    func close() async {
        await withCheckedContinuation { continuation in
            let idle = state.withLock { state in
                guard state.draining else {
                    state.writer = nil
                    return true
                }
                state.closing.append(continuation)
                return false
            }
            if idle { continuation.resume() }
        }
    }

    // MARK: On the writer's queue

    private func drain(_ database: Database) {
        while let batch = next() { commit(batch, on: database) }
    }

    /// Nil when there is nothing left to do; the next caller then starts a new drain.
    private func next() -> [Operation]? {
        let closed: [CheckedContinuation<Void, Never>]
        let batch: [Operation]
        (batch, closed) = state.withLock { state in
            var batch: [Operation] = []
            var bytes = 0
            while batch.count < limits.operationsPerCommit, let first = state.waiting.first {
                guard batch.isEmpty || bytes + first.bytes <= limits.bytesPerCommit else { break }
                bytes += first.bytes
                state.waitingBytes -= first.bytes
                batch.append(state.waiting.removeFirst())
            }
            state.inHand = batch.count
            guard batch.isEmpty else { return (batch, []) }
            state.draining = false
            guard !state.closing.isEmpty else { return ([], []) }
            defer { state.closing = [] }
            state.writer = nil
            return ([], state.closing)
        }
        for continuation in closed { continuation.resume() }
        return batch.isEmpty ? nil : batch
    }

    private func commit(_ batch: [Operation], on database: Database) {
        var answers: [@Sendable () -> Void] = []
        answers.reserveCapacity(batch.count)
        let before = database.totalChangesCount
        do {
            if database.isInsideTransaction { try database.rollback() }
            try database.inTransaction(.immediate) {
                let now = try StoreClock.now(database)
                for operation in batch { answers.append(try answer(to: operation, in: database, at: now)) }
                return .commit
            }
        } catch {
            let failure = StoreError(error)
            noteFailure(failure)
            for operation in batch { operation.refuse(failure) }
            return
        }
        tally.count { $0.commits &+= 1 }
        if database.totalChangesCount != before { noteSuccess() }
        for answer in answers { answer() }
    }

    /// Throws only what befalls the whole transaction.
    private func answer(
        to operation: Operation, in database: Database, at now: StoreTime
    ) throws -> @Sendable () -> Void {
        do {
            var answer: (@Sendable () -> Void)?
            try database.inSavepoint {
                answer = try operation.perform(database, now)
                return .commit
            }
            return answer ?? {}
        } catch {
            guard database.isInsideTransaction, !StoreError.endsTransaction(error) else { throw error }
            let refusal = StoreError(error)
            return { operation.refuse(refusal) }
        }
    }

    private func noteFailure(_ failure: StoreError) {
        tally.count { $0.failedCommits &+= 1 }
        let wasWell = state.withLock { state in
            defer { state.failure = failure }
            return state.failure == nil
        }
        if wasWell { logger.error("store cannot write", metadata: ["code": "\(failure.code)"]) }
    }

    private func noteSuccess() {
        let wasIll = state.withLock { state in
            defer { state.failure = nil }
            return state.failure != nil
        }
        if wasIll { logger.notice("store writes again") }
    }
}
