/// Counts how often a provider's connection was lost: how long to wait before the next, and when to give up. How long a
/// single outage may last is the lifecycle's patience.
package struct ReopenPolicy: Equatable, Sendable {
    /// Waits between attempts; the last one repeats.
    package static let waits: [Duration] = [
        .milliseconds(200), .milliseconds(500), .seconds(1), .seconds(2), .seconds(3),
    ]
    /// Connections that were ready and died before a whole answer came: more are not paid for.
    package static let mostDeaths = 8

    private var losses = 0
    private var deaths = 0

    package init() {}

    package enum OnLost: Equatable, Sendable {
        case wait(Duration)
        case giveUp
    }

    /// - Parameter wasReady: it had been opened; false for an attempt that failed.
    package mutating func lost(wasReady: Bool) -> OnLost {
        if wasReady { deaths += 1 }
        guard deaths <= Self.mostDeaths else { return .giveUp }
        defer { losses += 1 }
        return .wait(Self.waits[min(losses, Self.waits.count - 1)])
    }

    /// A whole answer has come: all is well again.
    package mutating func answered() { self = ReopenPolicy() }
}
