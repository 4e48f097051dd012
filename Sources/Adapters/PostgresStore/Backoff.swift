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
