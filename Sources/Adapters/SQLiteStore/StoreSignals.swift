import Dispatch
import GRDB
import InterviewCore
import Ports
import Synchronization

/// Notices what others write: SQLite tells each connection with `PRAGMA data_version` that somebody else has committed,
/// and only then is `changed` of those who listen read. This happens on a queue and a connection of its own, which are at
/// work while somebody listens. What cannot be read is looked for again at the next look: signals are hints.
final class StoreSignals: Sendable {
    /// From one look to the next.
    static let interval: DispatchTimeInterval = .milliseconds(50)

    private struct Listener {
        var instance: InstanceID
        /// The last value of `changed`; one whose row was changed before it listened hears of it at once.
        var changed: Int64 = 0
        var continuation: AsyncStream<Void>.Continuation
    }

    private struct State {
        var listeners: [Int: Listener] = [:]
        var nextListener = 0
        /// A look is on its way.
        var isLooking = false
        var connection: DatabaseQueue?
        var version: Int64?
        /// Somebody new listens, or the connection is new: the next look reads in any case.
        var mustRead = false
        var isClosed = false
    }

    private let path: String
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "voiced.store.signals")

    init(path: String) { self.path = path }

    func stream(for instance: InstanceID) -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let (number, isFirst): (Int?, Bool) = state.withLock { state in
                guard !state.isClosed else { return (nil, false) }
                let number = state.nextListener
                state.nextListener += 1
                state.listeners[number] = Listener(instance: instance, continuation: continuation)
                state.mustRead = true
                defer { state.isLooking = true }
                return (number, !state.isLooking)
            }
            guard let number else {
                continuation.finish()
                return
            }
            continuation.onTermination = { [weak self] _ in self?.remove(number) }
            if isFirst { queue.async { [weak self] in self?.look() } }
        }
    }

    private func remove(_ number: Int) {
        // What goes is destroyed outside of the lock.
        _ = state.withLock { $0.listeners.removeValue(forKey: number) }
    }

    /// Ends every stream; returns when the connection is closed.
    func close() async {
        let listeners = state.withLock { state in
            state.isClosed = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.continuation.finish() }
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                disconnect()
                continuation.resume()
            }
        }
    }

    // MARK: On the queue

    private func look() {
        let isWanted = state.withLock { state in
            state.isLooking = !state.listeners.isEmpty
            return state.isLooking
        }
        guard isWanted else {
            disconnect()
            return
        }
        do {
            try read()
        } catch {
            disconnect()
        }
        queue.asyncAfter(deadline: .now() + Self.interval) { [weak self] in self?.look() }
    }

    private func read() throws {
        let connection = try connect()
        let (known, listeners) = state.withLock { state in
            defer { state.mustRead = false }
            return (state.mustRead ? nil : state.version, state.listeners)
        }
        let instances = Set(listeners.values.map(\.instance))
        let (current, changed) = try connection.inDatabase { database -> (Int64, [InstanceID: Int64]) in
            // Before the rows, so that what is written between the two is looked at again.
            let current = try Int64.fetchOne(database, sql: "PRAGMA data_version") ?? 0
            guard current != known else { return (current, [:]) }
            var changed: [InstanceID: Int64] = [:]
            let statement = try database.cachedStatement(sql: "SELECT changed FROM instances WHERE id = ?")
            for instance in instances {
                changed[instance] = try Int64.fetchOne(statement, arguments: [instance.text])
            }
            return (current, changed)
        }
        var told: [AsyncStream<Void>.Continuation] = []
        state.withLock { state in
            state.version = current
            for (number, listener) in listeners {
                guard let value = changed[listener.instance], value != listener.changed else { continue }
                state.listeners[number]?.changed = value
                told.append(listener.continuation)
            }
        }
        for continuation in told { continuation.yield() }
    }

    private func connect() throws -> DatabaseQueue {
        if let connection = state.withLock({ $0.connection }) { return connection }
        var configuration = Configuration()
        configuration.label = "voiced.store.signals"
        configuration.readonly = true
        let connection = try DatabaseQueue(path: path, configuration: configuration)
        state.withLock { state in
            state.connection = connection
            state.mustRead = true
        }
        return connection
    }

    private func disconnect() {
        let last = state.withLock { state in
            defer { state.connection = nil }
            return state.connection
        }
        try? last?.close()
    }
}
