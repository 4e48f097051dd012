import DequeModule
import Foundation
import Ports
import PostgreSQL
import Synchronization

/// Group commit: callers queue up while the server is busy with the ones before them, and the next transaction takes all
/// that wait. Nobody waits for a timer, and a lonely caller pays one round trip. One batch is under way at a time, so
/// the changes of a session stay in the order in which they came.
///
/// Each operation is judged alone by the server (`voiced_commit_1`): one that is refused (fenced, conflict) leaves no
/// trace and disturbs nobody. What befalls the transaction as a whole is everybody's answer.
final class PostgresCommits: Sendable {
    private struct Operation: Sendable {
        /// A JSON object.
        var text: String
        var answer: @Sendable (Result<StoredAnswer, StoreError>) -> Void
    }

    private struct State {
        var waiting: Deque<Operation> = []
        var waitingBytes = 0
        /// The batch that is being committed.
        var inHand = 0
        var draining = false
        var isClosed = false
        var closing: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let limits: LibPQStore.CommitLimits
    private let tally: PostgresTally
    private let send: @Sendable (PostgresStatement) async throws(PostgresError) -> [PostgresRow]

    /// `send` runs one statement as a transaction of its own.
    init(
        limits: LibPQStore.CommitLimits, tally: PostgresTally,
        send: @escaping @Sendable (PostgresStatement) async throws(PostgresError) -> [PostgresRow]
    ) {
        self.limits = limits
        self.tally = tally
        self.send = send
    }

    /// Callers that have no answer yet.
    var unanswered: Int { state.withLock { $0.waiting.count + $0.inHand } }

    /// `operation`: a JSON object as `voiced_commit_1` takes it. Not to be cancelled: a caller whose task is gone gets
    /// its change written all the same.
    func submit(_ operation: String) async throws(StoreError) -> StoredAnswer {
        let outcome: Result<StoredAnswer, StoreError> = await withCheckedContinuation { continuation in
            enqueue(Operation(text: operation) { continuation.resume(returning: $0) })
        }
        return try outcome.get()
    }

    private func enqueue(_ operation: Operation) {
        let (refusal, starts): (StoreError?, Bool) = state.withLock { state in
            if state.isClosed { return (.closed, false) }
            let bytes = operation.text.utf8.count
            guard state.waiting.count + state.inHand < limits.waitingOperations,
                bytes <= limits.waitingBytes - state.waitingBytes
            else { return (.unavailable(code: "queue_full"), false) }
            state.waiting.append(operation)
            state.waitingBytes += bytes
            defer { state.draining = true }
            return (nil, !state.draining)
        }
        if let refusal { operation.answer(.failure(refusal)) }
        if starts { Task { await drain() } }
    }

    /// Commits what waits, refuses what comes; returns when nothing is under way.
    func close() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isClosed = true
                if state.draining { state.closing.append(continuation) }
                return !state.draining
            }
            if isIdle { continuation.resume() }
        }
    }

    private func drain() async {
        while let batch = next() { await commit(batch) }
    }

    /// Nil when there is nothing left to do; the next caller then starts a new drain.
    private func next() -> [Operation]? {
        let (batch, closed) = state.withLock { state in
            var batch: [Operation] = []
            var bytes = 0
            while batch.count < limits.operationsPerCommit, let first = state.waiting.first {
                let size = first.text.utf8.count
                guard batch.isEmpty || bytes + size <= limits.bytesPerCommit else { break }
                bytes += size
                state.waitingBytes -= size
                batch.append(state.waiting.removeFirst())
            }
            state.inHand = batch.count
            guard batch.isEmpty else { return (batch, [CheckedContinuation<Void, Never>]()) }
            state.draining = false
            defer { state.closing = [] }
            return ([], state.closing)
        }
        for continuation in closed { continuation.resume() }
        return batch.isEmpty ? nil : batch
    }

    private func commit(_ batch: [Operation]) async {
        do throws(PostgresError) {
            let rows = try await send(
                PostgresStatement(
                    "SELECT voiced_commit_1($1::jsonb)", ["[" + batch.map(\.text).joined(separator: ",") + "]"]))
            tally.count {
                $0.batches &+= 1
                $0.operations &+= batch.count
            }
            answer(batch, rows.first?.first ?? nil)
        } catch {
            let failure = StoreError(error)
            // A value that the server cannot take is one caller's; without him the others' are as good as ever.
            if case .corrupt = failure, batch.count > 1 {
                for operation in batch { await commit([operation]) }
                return
            }
            for operation in batch { operation.answer(.failure(failure)) }
        }
    }

    private func answer(_ batch: [Operation], _ text: String?) {
        do throws(StoreError) {
            let answers = try StoredText.value([StoredAnswer].self, from: text, "commit")
            guard answers.count == batch.count else { throw .corrupt(code: "commit") }
            for (operation, answer) in zip(batch, answers) { operation.answer(.success(answer)) }
        } catch {
            for operation in batch { operation.answer(.failure(error)) }
        }
    }
}
