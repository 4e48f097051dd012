/// One thread that owns sockets and runs the session actors pinned to it. "On the loop" below means: on that thread,
/// in a job of an actor pinned to it, or in one of its callbacks.
package protocol SessionLoop: SerialExecutor {
    /// 0 and up; also the loop's name in metrics and logs.
    var index: Int { get }
    /// Monotonic time (CLOCK_MONOTONIC) since an arbitrary start. Any thread.
    var now: Duration { get }
    /// True on the loop's own thread. Any thread.
    var isCurrent: Bool { get }

    /// Nil but in tests: told at each `FramePoint` that a frame passes.
    var framePathProbe: (any FramePathProbe)? { get }

    /// Calls `action` once on the loop, at `deadline` or as soon after it as the loop turns. On the loop only.
    func schedule(at deadline: Duration, _ action: @escaping @Sendable () -> Void) -> LoopTimer
    /// After this the action will not run. Unknown and spent timers are ignored. On the loop only.
    func cancel(_ timer: LoopTimer)

    /// Calls `ticker` every 20 ms, in the emptiest of the loop's four 5 ms phases so that encodes do not pile up.
    /// A late loop calls it once, with the true time: the ticker catches up by debt. On the loop only.
    func startTicking(_ ticker: any LoopTicker)
    /// On the loop only; not ticking is no error.
    func stopTicking(_ ticker: any LoopTicker)
}

package protocol LoopTicker: AnyObject, Sendable {
    /// On the loop.
    func tick(at now: Duration)
}

/// Names a scheduled action of one loop.
package struct LoopTimer: Hashable, Sendable {
    package var id: UInt64
    package init(id: UInt64) { self.id = id }
}
