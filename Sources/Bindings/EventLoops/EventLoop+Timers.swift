import CLibEv
import HeapModule
import Ports

struct TimerEntry: Comparable {
    var deadline: Int64
    var id: UInt64

    static func < (left: TimerEntry, right: TimerEntry) -> Bool {
        (left.deadline, left.id) < (right.deadline, right.id)
    }
}

/// One heap of deadlines behind one libev timer: `Task.sleep` would fire in Dispatch first and hop here afterwards
/// (14 µs of CPU each, several milliseconds late under load).
extension EventLoop {
    /// Cancelled entries stay in the heap until their time; past this many it is rebuilt without them.
    private static let tolerableLeftovers = 64

    package func schedule(at deadline: Duration, _ action: @escaping @Sendable () -> Void) -> LoopTimer {
        assertOnLoop()
        nextID &+= 1
        let entry = TimerEntry(deadline: deadline.wholeNanoseconds, id: nextID)
        timerActions[entry.id] = action
        timers.insert(entry)
        arm()
        return LoopTimer(id: entry.id)
    }

    package func cancel(_ timer: LoopTimer) {
        assertOnLoop()
        guard timerActions.removeValue(forKey: timer.id) != nil else { return }
        if timers.count > 2 * timerActions.count + Self.tolerableLeftovers {
            timers = Heap(timers.unordered.filter { timerActions[$0.id] != nil })
            arm()
        }
    }

    func timerFired() {
        armedDeadline = nil
        let now = LoopClock.nanoseconds()
        var due: [UInt64] = []
        while let first = timers.min, first.deadline <= now {
            timers.removeMin()
            due.append(first.id)
        }
        // By id, and not the closures: an action may cancel another one of the same batch.
        for id in due { timerActions.removeValue(forKey: id)?() }
        arm()
    }

    private func arm() {
        while let first = timers.min, timerActions[first.id] == nil { timers.removeMin() }
        guard let first = timers.min else {
            if armedDeadline != nil { unsafe ev_timer_stop(raw, timerWatcher) }
            armedDeadline = nil
            return
        }
        guard armedDeadline != first.deadline else { return }
        armedDeadline = first.deadline
        unsafe ev_timer_stop(raw, timerWatcher)
        // libev counts from the start of its turn, which a long job has left behind.
        unsafe ev_now_update(raw)
        let wait = max(0, first.deadline.subtractingClamped(LoopClock.nanoseconds()))
        unsafe voiced_ev_timer_set(timerWatcher, Double(wait) / 1e9, 0)
        unsafe ev_timer_start(raw, timerWatcher)
    }

    /// Before the start the maker's thread may prepare things; afterwards only the loop's own.
    func assertOnLoop() {
        assert(isCurrent || !isStarted, "not on loop \(index)")
    }
}

extension Int64 {
    fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (self < 0 ? .min : .max) : difference
    }
}
