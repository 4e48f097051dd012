import DequeModule
import Logging
import Ports
import PostgreSQL
import Synchronization

/// One transaction on its way: what is asked, until when, and who waits.
struct PostgresCall: Sendable {
    var statements: [PostgresStatement]
    var deadline: ContinuousClock.Instant
    var answer: @Sendable (Result<[[PostgresRow]], PostgresError>) -> Void
}

/// A few connections, each kept up by a task of its own, that take calls in the order in which they came.
///
/// Every call is answered by its deadline, or by that of the call before it on the same connection. While no connection
/// is up, calls are refused at once with what the last attempt met: a spool is better than a queue, and whoever asked
/// asks again.
final class PostgresPool: Sendable {
    private struct State {
        var waiting: Deque<PostgresCall> = []
        var idle: [CheckedContinuation<PostgresCall?, Never>] = []
        var up = 0
        var busy = 0
        var failure = PostgresError.connection(code: "08003")
        var isClosed = false
        /// Lanes that have tried to connect, for `start`.
        var tried = 0
        var starters: [CheckedContinuation<Void, Never>] = []
        /// What is connecting now, to be interrupted by `close`.
        var connecting: [Int: PostgresConnection] = [:]
        var tasks: [Task<Void, Never>] = []
    }

    struct Numbers {
        var up: Int
        var busy: Int
        var waiting: Int
    }

    static let connectLimit: Duration = .seconds(3)
    private static let longestQueue = 4_096

    private let address: PostgresAddress
    private let lanes: Int
    private let bell: Bell
    private let tally: PostgresTally
    private let logger: Logger
    private let state = Mutex(State())

    /// `bell`: shared by all that go to the same server.
    init(_ address: PostgresAddress, lanes: Int, bell: Bell, tally: PostgresTally, logger: Logger) {
        self.address = address
        self.bell = bell
        self.lanes = max(1, lanes)
        self.tally = tally
        self.logger = logger
    }

    var numbers: Numbers {
        state.withLock { Numbers(up: $0.up, busy: $0.busy, waiting: $0.waiting.count) }
    }

    /// Why no connection is up; nil when one is.
    var absence: PostgresError? { state.withLock { $0.up == 0 ? $0.failure : nil } }

    /// Returns when each connection is up or has failed once.
    func start() async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.starters.append(continuation)
                state.tasks = (0..<lanes).map { lane in Task { await self.run(lane) } }
            }
        }
    }

    func run(_ statements: [PostgresStatement], within limit: Duration) async throws(PostgresError) -> [[PostgresRow]] {
        let outcome: Result<[[PostgresRow]], PostgresError> = await withCheckedContinuation { continuation in
            submit(
                PostgresCall(statements: statements, deadline: .now.advanced(by: limit)) {
                    continuation.resume(returning: $0)
                })
        }
        return try outcome.get()
    }

    private func submit(_ call: PostgresCall) {
        let (lane, refusal): (CheckedContinuation<PostgresCall?, Never>?, PostgresError?) = state.withLock { state in
            if state.isClosed { return (nil, .connection(code: "closed")) }
            if state.up == 0 { return (nil, state.failure) }
            if let lane = state.idle.popLast() {
                state.busy += 1
                return (lane, nil)
            }
            if state.waiting.count >= Self.longestQueue { return (nil, .connection(code: "queue_full")) }
            state.waiting.append(call)
            return (nil, nil)
        }
        lane?.resume(returning: call)
        if let refusal {
            tally.countFailure(refusal.code)
            call.answer(.failure(refusal))
        }
    }

    /// Calls in hand are answered; what waits is refused. Returns when all connections are closed.
    func close() async {
        let (idle, waiting, connecting, tasks) = state.withLock { state in
            state.isClosed = true
            defer {
                state.idle = []
                state.waiting = []
            }
            return (state.idle, state.waiting, state.connecting.values.map { $0 }, state.tasks)
        }
        for lane in idle { lane.resume(returning: nil) }
        for call in waiting { call.answer(.failure(.connection(code: "closed"))) }
        for connection in connecting { connection.interrupt() }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    // MARK: A lane

    private func run(_ lane: Int) async {
        var backoff = Backoff()
        var hasFailed = false
        while !state.withLock({ $0.isClosed }) {
            let connection = PostgresConnection()
            do throws(PostgresError) {
                try await connect(connection, lane)
            } catch {
                noteFailure(error, isFirst: true)
                await bell.pause(for: backoff.pause())
                hasFailed = true
                continue
            }
            if hasFailed { bell.ring() }
            hasFailed = false
            backoff.reset()
            noteUp()
            let failure = await serve(connection, lane)
            noteFailure(failure, isFirst: false)
            await connection.close()
        }
    }

    /// Up means that the server behind any pooler answers, too.
    private func connect(_ connection: PostgresConnection, _ lane: Int) async throws(PostgresError) {
        let isClosed = state.withLock { state in
            state.connecting[lane] = connection
            return state.isClosed
        }
        defer { state.withLock { $0.connecting[lane] = nil } }
        if isClosed { throw .connection(code: "closed") }
        try await connection.connect(to: address, within: Self.connectLimit)
        _ = try await connection.exchange([PostgresStatement("SELECT 1")], within: Self.connectLimit)
    }

    /// Until the connection is lost (what ended it) or the pool closed.
    private func serve(_ connection: PostgresConnection, _ lane: Int) async -> PostgresError {
        while let call = await next() {
            defer { state.withLock { $0.busy -= 1 } }
            // Closed by the other side while it lay idle: nothing is lost yet, so this call need not notice.
            if await connection.isStale() {
                do throws(PostgresError) {
                    tally.count { $0.reconnects &+= 1 }
                    try await connect(connection, lane)
                } catch {
                    tally.countFailure(error.code)
                    call.answer(.failure(error))
                    return error
                }
            }
            if let loss = await perform(call, on: connection) { return loss }
        }
        return .connection(code: "closed")
    }

    /// Nil when the connection is still good.
    private func perform(_ call: PostgresCall, on connection: PostgresConnection) async -> PostgresError? {
        tally.count { $0.calls &+= 1 }
        var attempt = 1
        while true {
            let left = ContinuousClock.now.duration(to: call.deadline)
            do throws(PostgresError) {
                guard left > .zero else { throw .connection(code: "deadline") }
                let rows = try await connection.exchange(call.statements, within: left)
                call.answer(.success(rows))
                return nil
            } catch {
                if Self.isWorthAnotherTry(error), attempt < 5 {
                    attempt += 1
                    tally.count { $0.retries &+= 1 }
                    try? await Task.sleep(for: .milliseconds(Int.random(in: 2...(10 * attempt))))
                    continue
                }
                tally.countFailure(error.code)
                call.answer(.failure(error))
                return await connection.isOpen ? nil : error
            }
        }
    }

    /// `deadlock_detected`, `serialization_failure`: rolled back, and nobody's fault.
    private static func isWorthAnotherTry(_ error: PostgresError) -> Bool {
        error == .server(code: "40P01") || error == .server(code: "40001")
    }

    private func next() async -> PostgresCall? {
        await withCheckedContinuation { continuation in
            let call: PostgresCall?? = state.withLock { state in
                if state.isClosed { return .some(nil) }
                if let call = state.waiting.popFirst() {
                    state.busy += 1
                    return call
                }
                state.idle.append(continuation)
                return .none
            }
            if let call { continuation.resume(returning: call) }
        }
    }

    // MARK: What is told

    private func noteUp() {
        let (isBack, starters) = state.withLock { state in
            state.up += 1
            return (state.up == 1 && state.tried >= lanes, Self.tried(&state, of: lanes))
        }
        for starter in starters { starter.resume() }
        if isBack { logger.notice("store answers again") }
    }

    /// `isFirst`: it never was up.
    private func noteFailure(_ failure: PostgresError, isFirst: Bool) {
        let (refused, isDown, starters) = state.withLock { state in
            state.failure = failure
            if !isFirst { state.up -= 1 }
            let starters = isFirst ? Self.tried(&state, of: lanes) : []
            guard state.up == 0 else { return (Deque<PostgresCall>(), false, starters) }
            defer { state.waiting = [] }
            return (state.waiting, !isFirst && !state.isClosed, starters)
        }
        for starter in starters { starter.resume() }
        for call in refused { call.answer(.failure(failure)) }
        if !isFirst { tally.count { $0.reconnects &+= 1 } }
        if isDown { logger.error("store is away", metadata: ["code": "\(failure.code)"]) }
    }

    private static func tried(_ state: inout State, of lanes: Int) -> [CheckedContinuation<Void, Never>] {
        state.tried += 1
        guard state.tried >= lanes else { return [] }
        defer { state.starters = [] }
        return state.starters
    }
}
