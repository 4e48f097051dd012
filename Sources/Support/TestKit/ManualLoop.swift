import Dispatch
import Ports
import Synchronization

/// A loop whose time stands still until a test moves it. Jobs of actors pinned to it run on one serial queue.
package final class ManualLoop: SessionLoop, @unchecked Sendable {
    package let index: Int
    package let framePathProbe: (any FramePathProbe)?
    private let queue: DispatchQueue
    private static let key = DispatchSpecificKey<ObjectIdentifier>()

    private struct State {
        var now: Duration = .seconds(1_000)
        var nextTimer: UInt64 = 0
        var timers: [UInt64: (deadline: Duration, action: @Sendable () -> Void)] = [:]
        var tickers: [ObjectIdentifier: any LoopTicker] = [:]
        var nextTick: Duration = .seconds(1_000)
    }
    private let state = Mutex(State())

    package init(index: Int = 0, framePathProbe: (any FramePathProbe)? = nil) {
        self.index = index
        self.framePathProbe = framePathProbe
        queue = DispatchQueue(label: "manual-loop-\(index)")
        queue.setSpecific(key: Self.key, value: ObjectIdentifier(self))
    }

    // MARK: Executor
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    package func isIsolatingCurrentContext() -> Bool? { isCurrent }
    package func checkIsolated() { precondition(isCurrent, "not on the loop") }

    // MARK: Time
    package var now: Duration { state.withLock { $0.now } }
    package var isCurrent: Bool { DispatchQueue.getSpecific(key: Self.key) == ObjectIdentifier(self) }

    package func schedule(at deadline: Duration, _ action: @escaping @Sendable () -> Void) -> LoopTimer {
        state.withLock { state in
            state.nextTimer += 1
            state.timers[state.nextTimer] = (deadline, action)
            return LoopTimer(id: state.nextTimer)
        }
    }
    package func cancel(_ timer: LoopTimer) { state.withLock { $0.timers[timer.id] = nil } }
    package func startTicking(_ ticker: any LoopTicker) {
        state.withLock { $0.tickers[ObjectIdentifier(ticker)] = ticker }
    }
    package func stopTicking(_ ticker: any LoopTicker) {
        state.withLock { $0.tickers[ObjectIdentifier(ticker)] = nil }
    }

    /// Actions that are scheduled and neither run nor cancelled.
    package var pendingTimers: Int { state.withLock { $0.timers.count } }

    /// True while somebody ticks.
    package var isTicking: Bool { state.withLock { !$0.tickers.isEmpty } }

    /// Runs `body` on the loop and returns when it has run.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }

    /// Lets `time` pass without a timer or a tick, as if all of them were lost.
    package func skip(_ time: Duration) { state.withLock { $0.now += time } }

    /// Lets `time` pass, in steps: every timer and tick at its own moment, jobs between them.
    package func advance(by time: Duration) async {
        let end = now + time
        while true {
            let next = state.withLock { state -> Duration in
                let timer = state.timers.values.map(\.deadline).min() ?? end
                let tick = state.tickers.isEmpty ? end : state.nextTick
                return min(end, max(state.now, min(timer, tick)))
            }
            await run { self.step(to: next) }
            if next >= end { break }
        }
        await run {}
    }

    private func step(to moment: Duration) {
        let (due, tickers) = state.withLock { state in
            state.now = moment
            let due = state.timers.filter { $0.value.deadline <= moment }.sorted { $0.key < $1.key }
            for timer in due { state.timers[timer.key] = nil }
            var tickers: [any LoopTicker] = []
            while state.nextTick <= moment {
                state.nextTick += .milliseconds(20)
                tickers = Array(state.tickers.values)
            }
            return (due.map(\.value.action), tickers)
        }
        for action in due { action() }
        for ticker in tickers { ticker.tick(at: moment) }
    }
}
