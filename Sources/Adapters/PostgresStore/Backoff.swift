import Synchronization

/// From one attempt to connect to the next. At most 3 s: a process that sees the store again later than that is late
/// with its lease, and late ones must not be buried by punctual ones (`LeaseTimes.lateness`).
struct Backoff {
    static let longest: Duration = .seconds(3)
    private static let shortest: Duration = .milliseconds(100)

    private var next = Self.shortest

    /// A random part of the pause, so that a fleet does not come back in one instant.
    mutating func pause() -> Duration {
        defer { next = min(next * 2, Self.longest) }
        return next * Double.random(in: 0.5...1)
    }

    mutating func reset() { next = Self.shortest }
}

/// Rings when one connection has been made after another try had failed: the server is back, and whoever pauses may stop
/// pausing. So the first renewal that succeeds does not leave the journal's connection behind for seconds.
final class Bell: Sendable {
    private let rings = Mutex(0)
    private static let look: Duration = .milliseconds(25)

    func ring() { rings.withLock { $0 &+= 1 } }

    /// Ends early when the bell rings or the task is cancelled.
    func pause(for duration: Duration) async {
        let before = rings.withLock { $0 }
        let end = ContinuousClock.now.advanced(by: duration)
        while ContinuousClock.now < end, rings.withLock({ $0 }) == before {
            do { try await Task.sleep(for: min(Self.look, ContinuousClock.now.duration(to: end))) } catch { return }
        }
    }
}
