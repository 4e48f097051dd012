import CLibEv
import Glibc
import HeapModule
import Ports
import Synchronization

/// One thread, one libev loop, one serial executor: what is pinned to it, the sockets it owns and its timers all run
/// on that thread, so that a frame goes from socket to codec to socket without a lock or a hop.
///
/// What blocks longer than a millisecond delays every session of the loop; names, files and stores belong elsewhere.
/// Only `enqueue`, `post`, the clock and the lag figures may be used from another thread.
@safe
package final class EventLoop: SessionLoop, @unchecked Sendable {
    /// A loop that has nothing to do still turns this often, so that a stuck one can be told from an idle one.
    package static let heartbeat = Duration.milliseconds(100)

    package let index: Int
    package let framePathProbe: (any FramePathProbe)?

    /// Set by the binding that hangs its own things on this loop (one). On the loop, or before it starts.
    package weak var attachment: AnyObject?

    /// Told, on the loop and before anything else happens there, that it has not turned for so long: the process or the
    /// machine has slept. Nothing is sent or received on this loop until it returns. Set before the start.
    package var afterSleep: (@Sendable (Duration) -> Void)?
    /// A loop turns at least every `heartbeat`; later than that by this much, it has slept.
    package static let sleepLimit = Duration.seconds(1)

    /// Told what the loop does not have in hand; before it starts.
    package var flight: (any FlightLoop)?

    // Any thread, behind `lock`.
    private let lock = LoopLock()
    private var incoming: [Work] = []
    private var woken = false
    private var phase = Phase.prepared

    // The loop's thread only, or the maker's before the start.
    let raw: OpaquePointer
    private let thread: LoopThread
    private let wake = UnsafeMutablePointer<ev_async>.allocate(capacity: 1)
    private let pulse = UnsafeMutablePointer<ev_timer>.allocate(capacity: 1)
    private let waking = UnsafeMutablePointer<ev_check>.allocate(capacity: 1)
    private var lastCheck: Int64 = 0
    private var pulseExpected: Int64 = 0
    private var spare: [Work] = []
    let lag = LagRecorder()
    private let lastTurn = Atomic<Int64>(0)

    let timerWatcher = UnsafeMutablePointer<ev_timer>.allocate(capacity: 1)
    var timers = Heap<TimerEntry>()
    var timerActions: [UInt64: @Sendable () -> Void] = [:]
    var armedDeadline: Int64?
    var nextID: UInt64 = 0

    let tickWatcher = UnsafeMutablePointer<ev_timer>.allocate(capacity: 1)
    var phases = [[any LoopTicker]](repeating: [], count: SlotClock.phaseCount)
    var phaseOfTicker: [ObjectIdentifier: Int] = [:]
    var tickersStopped: UInt64 = 0
    var slots = SlotClock(startingAt: 0)

    var watches: [UInt64: WatchBox] = [:]

    private enum Work {
        case job(UnownedJob)
        case action(@Sendable () -> Void)
    }

    private enum Phase { case prepared, running, stopping, ended }

    package init(index: Int, framePathProbe: (any FramePathProbe)? = nil) throws(EventLoopError) {
        guard let raw = unsafe ev_loop_new(UInt32(EVFLAG_NOENV)) else { throw .noBackend }
        do {
            thread = try LoopThread(name: "loop-\(index)")
        } catch {
            unsafe ev_loop_destroy(raw)
            throw error
        }
        self.index = index
        self.framePathProbe = framePathProbe
        unsafe self.raw = raw
        prepareWatchers()
    }

    deinit {
        if phase == .prepared { thread.abandon() }
        for watch in watches.values { unsafe watch.stop(on: raw) }
        unsafe ev_loop_destroy(raw)
        unsafe wake.deallocate()
        unsafe pulse.deallocate()
        unsafe waking.deallocate()
        unsafe timerWatcher.deallocate()
        unsafe tickWatcher.deallocate()
    }

    /// `struct ev_loop *`, for what shares this loop.
    package var rawLoop: OpaquePointer { unsafe raw }

    // MARK: Life

    /// Starts the thread, named `loop-N`. Once.
    package func start() {
        let first = lock.withLock {
            defer { if phase == .prepared { phase = .running } }
            return phase == .prepared
        }
        guard first else { return }
        lastTurn.store(LoopClock.nanoseconds(), ordering: .relaxed)
        thread.run { self.turn() }
    }

    /// Ends the thread and returns when it is gone. All sessions must have ended before: a call to an actor of this
    /// loop never returns afterwards. Not to be awaited on the loop itself.
    package func stop() async {
        let running = lock.withLock {
            defer { if phase == .running { phase = .stopping } }
            return phase == .running
        }
        guard running else { return }
        unsafe ev_async_send(raw, wake)
        await thread.join()
    }

    package var isStarted: Bool { lock.withLock { phase != .prepared } }

    // MARK: Executor

    package func enqueue(_ job: consuming ExecutorJob) {
        submit(.job(UnownedJob(job)))
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    package func isIsolatingCurrentContext() -> Bool? { isCurrent }

    package func checkIsolated() {
        precondition(isCurrent, "not on loop \(index)")
    }

    /// Runs `action` on the loop, after what has been handed over before. Any thread.
    package func post(_ action: @escaping @Sendable () -> Void) {
        submit(.action(action))
    }

    private func submit(_ work: Work) {
        let mustWake = lock.withLock {
            // Nobody will ever run it: a caller that awaits it hangs for ever.
            assert(phase != .ended, "work for loop \(index) after its end")
            incoming.append(work)
            defer { woken = true }
            return !woken
        }
        // One wake-up for a whole batch, and none from the loop itself, which looks before it sleeps.
        if mustWake && !isCurrent { unsafe ev_async_send(raw, wake) }
    }

    // MARK: Thread

    private static let currentKey: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key, nil)
        return key
    }()

    /// The loop whose thread this is.
    package static var current: EventLoop? {
        guard let pointer = unsafe pthread_getspecific(currentKey) else { return nil }
        return unsafe Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    package var isCurrent: Bool {
        unsafe pthread_getspecific(Self.currentKey) == Unmanaged.passUnretained(self).toOpaque()
    }

    package var now: Duration { .nanoseconds(LoopClock.nanoseconds()) }

    /// How late the loop has been lately. Any thread.
    package func lagQuantiles() -> LoopLag {
        lag.quantiles(at: LoopClock.nanoseconds(), lastTurn: lastTurn.load(ordering: .relaxed))
    }

    private func turn() {
        unsafe pthread_setspecific(Self.currentKey, Unmanaged.passUnretained(self).toOpaque())
        pulseExpected = LoopClock.nanoseconds() &+ Self.heartbeat.wholeNanoseconds
        lastCheck = LoopClock.nanosecondsWithSleep()
        let flight = flight
        flight?.began()
        while true {
            runBatch(flight)
            let (more, stop) = lock.withLock {
                let more = !incoming.isEmpty
                let stop = phase == .stopping && !more
                if stop { phase = .ended }
                return (more, stop)
            }
            if stop { break }
            lastTurn.store(LoopClock.nanoseconds(), ordering: .relaxed)
            unsafe ev_run(raw, Int32(more ? EVRUN_NOWAIT : EVRUN_ONCE))
        }
        pthread_setspecific(Self.currentKey, nil)
    }

    private func runBatch(_ flight: (any FlightLoop)?) {
        var batch = spare
        spare = []
        lock.withLock {
            swap(&batch, &incoming)
            woken = false
        }
        let executor = unsafe asUnownedSerialExecutor()
        for work in batch {
            // A session's call that suspended has left its mark.
            flight?.cleared()
            switch work {
            // Not `runSynchronously(isolatedTo:taskExecutor:)`: with it each call between two actors of this loop
            // goes through the queue (2-3 µs instead of 20 ns).
            case .job(let job): unsafe job.runSynchronously(on: executor)
            case .action(let action): action()
            }
        }
        if !batch.isEmpty { flight?.cleared() }
        batch.removeAll(keepingCapacity: true)
        spare = batch
    }

    // MARK: Watchers

    private func prepareWatchers() {
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe wake.initialize(to: ev_async())
        unsafe pulse.initialize(to: ev_timer())
        unsafe waking.initialize(to: ev_check())
        unsafe timerWatcher.initialize(to: ev_timer())
        unsafe tickWatcher.initialize(to: ev_timer())

        // Waking up is all this one is for: the loop looks at its queue after every turn.
        unsafe voiced_ev_async_init(wake) { _, _, _ in }
        unsafe ev_async_start(raw, wake)

        unsafe waking.pointee.data = me
        unsafe voiced_ev_check_init(waking) { _, watcher, _ in
            guard let data = unsafe watcher?.pointee.data else { return }
            unsafe Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue().checked()
        }
        unsafe ev_check_start(raw, waking)

        let seconds = Double(Self.heartbeat.wholeNanoseconds) / 1e9
        unsafe pulse.pointee.data = me
        unsafe voiced_ev_timer_init(
            pulse,
            { _, watcher, _ in unsafe EventLoop.of(watcher)?.pulsed() }, seconds, seconds)
        unsafe ev_timer_start(raw, pulse)

        unsafe timerWatcher.pointee.data = me
        unsafe voiced_ev_timer_init(
            timerWatcher,
            { _, watcher, _ in unsafe EventLoop.of(watcher)?.timerFired() }, 0, 0)
        unsafe tickWatcher.pointee.data = me
        unsafe voiced_ev_timer_init(
            tickWatcher,
            { _, watcher, _ in unsafe EventLoop.of(watcher)?.slotsDue() }, 0, 0)
    }

    /// After each wait, before what became due in it.
    private func checked() {
        let now = LoopClock.nanosecondsWithSleep()
        let slept = now &- lastCheck
        lastCheck = now
        guard slept > Self.sleepLimit.wholeNanoseconds, let afterSleep else { return }
        afterSleep(.nanoseconds(slept))
        lastCheck = LoopClock.nanosecondsWithSleep()
    }

    private static func of(_ watcher: UnsafeMutablePointer<ev_timer>?) -> EventLoop? {
        guard let data = unsafe watcher?.pointee.data else { return nil }
        return unsafe Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
    }

    private func pulsed() {
        let now = LoopClock.nanoseconds()
        lag.note(late: now &- pulseExpected, at: now)
        pulseExpected = now &+ Self.heartbeat.wholeNanoseconds
        unsafe ev_timer_again(raw, pulse)
    }
}
