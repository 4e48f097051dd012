import InterviewCore
import Logging
import Ports
import PostgreSQL
import Synchronization

/// Hears NOTIFY on one connection of its own, on the direct address: behind a pooler in transaction mode a LISTEN would
/// stay with whichever server connection happened to run it. The connection is made when somebody listens, and made
/// again as long as somebody does; after each of them everybody is told once, because what came meanwhile was lost.
final class PostgresSignals: Sendable {
    private struct Listener {
        var instance: String
        var continuation: AsyncStream<Void>.Continuation
    }

    private struct State {
        var listeners: [Int: Listener] = [:]
        var nextListener = 0
        var task: Task<Void, Never>?
        var connection: PostgresConnection?
        var isClosed = false
    }

    /// From one look whether the server is still there to the next, when nothing comes.
    private static let silence: Duration = .seconds(10)

    private let address: PostgresAddress
    private let bell: Bell
    private let tally: PostgresTally
    private let logger: Logger
    private let state = Mutex(State())

    init(_ address: PostgresAddress, bell: Bell, tally: PostgresTally, logger: Logger) {
        self.address = address
        self.bell = bell
        self.tally = tally
        self.logger = logger
    }

    func stream(for instance: InstanceID) -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let number: Int? = state.withLock { state in
                guard !state.isClosed else { return nil }
                defer { state.nextListener += 1 }
                state.listeners[state.nextListener] = Listener(
                    instance: instance.text.storable, continuation: continuation)
                if state.task == nil { state.task = Task { await self.listen() } }
                return state.nextListener
            }
            guard let number else {
                continuation.finish()
                return
            }
            continuation.onTermination = { [weak self] _ in self?.remove(number) }
        }
    }

    private func remove(_ number: Int) {
        // What goes is destroyed outside of the lock.
        _ = state.withLock { $0.listeners.removeValue(forKey: number) }
    }

    func close() async {
        let (listeners, task, connection) = state.withLock { state in
            state.isClosed = true
            defer { state.listeners = [:] }
            return (state.listeners, state.task, state.connection)
        }
        for listener in listeners.values { listener.continuation.finish() }
        connection?.interrupt()
        task?.cancel()
        await task?.value
    }

    private func listen() async {
        var backoff = Backoff()
        while !state.withLock({ $0.isClosed }) {
            let connection = PostgresConnection()
            let isClosed = state.withLock { state in
                state.connection = connection
                return state.isClosed
            }
            if isClosed { return }
            do throws(PostgresError) {
                try await connection.connect(to: address, within: PostgresPool.connectLimit)
                try await connection.script("LISTEN voiced_changed", within: PostgresPool.connectLimit)
                backoff.reset()
                tell(nil)
                while true { try await hear(connection) }
            } catch {
                await connection.close()
                if state.withLock({ $0.isClosed }) { return }
                logger.warning("signals of the store are away", metadata: ["code": "\(error.code)"])
                await bell.pause(for: backoff.pause())
            }
        }
    }

    private func hear(_ connection: PostgresConnection) async throws(PostgresError) {
        let heard = try await connection.notifications(within: Self.silence)
        guard !heard.isEmpty else {
            // A server that has vanished or is frozen is as silent as one that has nothing to say.
            return try await connection.script("SELECT 1", within: PostgresPool.connectLimit)
        }
        tally.count { $0.signals &+= heard.count }
        tell(Set(heard.map(\.payload)))
    }

    /// Nil: everybody.
    private func tell(_ instances: Set<String>?) {
        let told = state.withLock { state in
            state.listeners.values.filter { instances?.contains($0.instance) ?? true }.map(\.continuation)
        }
        for continuation in told { continuation.yield() }
    }
}
