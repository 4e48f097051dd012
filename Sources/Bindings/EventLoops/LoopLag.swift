/// How late a loop has been in the last `LagRecorder.window`, for `voice_loop_lag_seconds`, admission and `/livez`.
package struct LoopLag: Sendable, Hashable {
    package var median: Duration
    package var p99: Duration
    package var worst: Duration
    /// Samples that the figures rest on; none: all of them are zero.
    package var samples: Int
    /// A healthy loop turns at least every `EventLoop.heartbeat`; much more means that something blocks it now.
    package var sinceLastTurn: Duration
}

/// Keeps the newest lateness samples. Written by the loop, read by anybody.
final class LagRecorder: @unchecked Sendable {
    /// Older samples do not count: an idle loop must forget a burst.
    static let windowNanoseconds: Int64 = 10_000_000_000
    /// 200 ticks a second for the window, and the heartbeats.
    static let capacity = 2_200

    private struct Sample {
        var at: Int64 = 0
        var late: Int64 = 0
    }

    private let lock = LoopLock()
    private var ring = [Sample](repeating: Sample(), count: capacity)
    private var next = 0
    private var filled = 0

    func note(late: Int64, at now: Int64) {
        lock.withLock {
            ring[next] = Sample(at: now, late: max(0, late))
            next = (next + 1) % Self.capacity
            filled = min(filled + 1, Self.capacity)
        }
    }

    func quantiles(at now: Int64, lastTurn: Int64) -> LoopLag {
        var late = lock.withLock {
            ring.prefix(filled).filter { now &- $0.at <= Self.windowNanoseconds }.map(\.late)
        }
        late.sort()
        func quantile(_ share: Double) -> Duration {
            guard !late.isEmpty else { return .zero }
            return .nanoseconds(late[min(late.count - 1, Int(Double(late.count) * share))])
        }
        return LoopLag(
            median: quantile(0.5), p99: quantile(0.99), worst: .nanoseconds(late.last ?? 0), samples: late.count,
            sinceLastTurn: .nanoseconds(max(0, now &- lastTurn)))
    }
}
