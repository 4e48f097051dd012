/// How often a session that failed by a fault of ours is begun anew from its journal (OTP: intensity and period).
/// A peer's nonsense is not a failure, and neither is a store or a provider that is away.
package struct RestartPolicy: Equatable, Sendable {
    /// Restarts within `period`; one more failure ends the session with `error`.
    package static let most = 3
    package static let period: Duration = .seconds(60)

    private var failures: [Duration] = []

    package init() {}

    package enum OnFailed: Equatable, Sendable {
        case restart
        case giveUp
    }

    package mutating func failed(at now: Duration) -> OnFailed {
        failures.removeAll { now - $0 >= Self.period }
        failures.append(now)
        return failures.count > Self.most ? .giveUp : .restart
    }

    /// Nothing that is remembered counts any more.
    package func isForgotten(at now: Duration) -> Bool { failures.allSatisfy { now - $0 >= Self.period } }
}
