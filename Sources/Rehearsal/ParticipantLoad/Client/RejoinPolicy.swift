/// How a participant's conversation ended, seen from outside.
package enum ParticipantOutcome: Hashable, Sendable {
    /// 1000, with the reason of the `bye` before it (`none` without one).
    case ended(reason: String)
    /// 4001: somebody opened the link elsewhere.
    case joinedElsewhere
    /// The opening was refused for good, or for longer than the client's patience.
    case refused(status: Int, code: String)
    /// No way back within the rejoin window, or no first `welcome` within the client's patience.
    case gaveUp(last: String)
    /// 4000, 1009 or a close without a code, a fourth time.
    case rejected(code: Int)
    /// The run was over; the client closed 1001.
    case stopped
    /// The client said `leave` and no `bye` with 1000 came in time.
    case leaveUnanswered
}

/// When to come back and when to stay away: the reconnecting rules of `voiced.v1` as a value. Time and chance are
/// handed in.
package struct RejoinPolicy: Sendable {
    package enum Decision: Hashable, Sendable {
        case stop(ParticipantOutcome)
        /// `viaOwner`: to `welcome.url`, one attempt of at most 3 s.
        case again(after: Duration, viaOwner: Bool)
    }

    /// The largest pause between two attempts, also where `Retry-After` asks for more.
    package static let longestPause: Duration = .seconds(3)
    /// One attempt, from its first packet to the upgrade.
    package static let attemptTimeout: Duration = .seconds(3)
    /// Added at random before the first attempt after a loss, so that a process' participants do not all come at once.
    package static let jitter: Duration = .milliseconds(500)
    /// Returns after 4000, 1009 or a close without a code.
    package static let mostUncleanReturns = 3
    /// A connection that lived this long after its `welcome` was a good one: unclean closes are counted anew.
    package static let goodLife: Duration = .seconds(10)

    /// How long the first `welcome` may take in all.
    private let patience: Duration
    private let hasOwnerAddress: Bool
    private let begunAt: Duration
    private var window: Duration?
    private var lostAt: Duration?
    private var welcomedAt: Duration?
    private var attempts = 0
    private var uncleanReturns = 0
    private var ownerTried = false
    /// The attempt that runs goes to the owner's own address.
    private var isViaOwner = false
    private var ownerKnown = false

    package init(patience: Duration, startingAt now: Duration, hasOwnerAddress: Bool = true) {
        self.patience = patience
        self.hasOwnerAddress = hasOwnerAddress
        begunAt = now
    }

    /// `ownerKnown`: the welcome named an address of the very process.
    package mutating func welcomed(rejoinWindow: Duration, ownerKnown: Bool, at now: Duration) {
        window = rejoinWindow
        welcomedAt = now
        lostAt = nil
        attempts = 0
        ownerTried = false
        isViaOwner = false
        self.ownerKnown = ownerKnown && hasOwnerAddress
    }

    /// `rejoinIn` is the `bye`'s; `chance` is 0..<1.
    package mutating func closed(
        code: Int?, byeReason: String?, rejoinIn: Duration?, at now: Duration, chance: Double
    ) -> Decision {
        switch code {
        case 1000: return .stop(.ended(reason: byeReason ?? "none"))
        case 4001: return .stop(.joinedElsewhere)
        case 4000, 1009, nil:
            if let welcomedAt, now - welcomedAt >= Self.goodLife { uncleanReturns = 0 }
            uncleanReturns += 1
            guard uncleanReturns <= Self.mostUncleanReturns else { return .stop(.rejected(code: code ?? 0)) }
        default: break
        }
        let last = code.map { "close \($0)" } ?? "close without code"
        return again(last, atLeast: rejoinIn ?? .zero, at: now, chance: chance)
    }

    /// Nothing heard for 3 s, no `welcome` within 10 s, or no connection at all.
    package mutating func failed(_ what: String, at now: Duration, chance: Double) -> Decision {
        again(what, atLeast: .zero, at: now, chance: chance)
    }

    package mutating func refused(
        status: Int, code: String, retryAfter: Duration?, at now: Duration, chance: Double
    ) -> Decision {
        // Whatever the owner's own address says: it may have come to be another process', and the general one knows.
        if isViaOwner { return again("\(status) \(code)", atLeast: .zero, at: now, chance: chance) }
        switch status {
        case 410: return .stop(.ended(reason: "410"))
        case 400, 401, 403, 404: return .stop(.refused(status: status, code: code))
        default: break
        }
        let decision = again(
            "\(status) \(code)", atLeast: min(retryAfter ?? .zero, Self.longestPause), at: now, chance: chance)
        // Who never got in was refused; who was in has lost the way back.
        if case .stop = decision, welcomedAt == nil { return .stop(.refused(status: status, code: code)) }
        return decision
    }

    private mutating func again(
        _ what: String, atLeast: Duration, at now: Duration, chance: Double
    ) -> Decision {
        if welcomedAt != nil, lostAt == nil { lostAt = now }
        let deadline = lostAt.map { $0 + (window ?? .zero) } ?? (begunAt + patience)
        attempts += 1
        var pause = max(atLeast, backoff)
        // The jitter is added to a `bye`'s time as well.
        if attempts == 1 { pause += Self.jitter * chance }
        guard now + pause <= deadline else { return .stop(.gaveUp(last: what)) }
        let viaOwner = ownerKnown && !ownerTried
        ownerTried = ownerTried || viaOwner
        isViaOwner = viaOwner
        // A refusal by the owner's own address is followed by the general one at once.
        if attempts == 2, ownerTried, !viaOwner { return .again(after: .zero, viaOwner: false) }
        return .again(after: pause, viaOwner: viaOwner)
    }

    /// None at first, then 250 ms, doubled up to 3 s.
    private var backoff: Duration {
        guard attempts > 1 else { return .zero }
        return min(.milliseconds(250) * (1 << min(attempts - 2, 5)), Self.longestPause)
    }
}
