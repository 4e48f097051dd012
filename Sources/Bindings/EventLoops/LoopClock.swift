import Glibc

/// CLOCK_MONOTONIC in nanoseconds: what libev counts with, too.
enum LoopClock {
    static func nanoseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// CLOCK_BOOTTIME: counts the machine's sleep, too.
    static func nanosecondsWithSleep() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}

/// A clock that counts the machine's sleep (CLOCK_BOOTTIME): what has passed for others has passed on it.
package enum SleepClock {
    package static var now: Duration { .nanoseconds(LoopClock.nanosecondsWithSleep()) }
}

extension Duration {
    /// Clamped to what 64 bits hold (292 years), so that a peer's or a configuration's number never traps.
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carried) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }
}
