/// Adds up what one session costs and says when it is enough. Pure: prices are applied before (`PriceBook`), money of
/// the study is somebody else's.
///
///     spending ──90 %──▶ wrappingUp ──100 %──▶ exhausted        (or straight to exhausted)
package struct BudgetMeter: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        /// Below 90 % of the limit. Leaves to `wrappingUp` or, in one leap, to `exhausted`.
        case spending
        /// The session has been told to come to an end. Leaves to `exhausted` at 100 %.
        case wrappingUp
        /// The session has been told to end. Spending goes on being counted.
        case exhausted
    }

    package enum OnSpent: Hashable, Sendable {
        case fine
        /// This response has been counted before.
        case counted
        /// 90 % has been reached: once.
        case wrapUp
        /// 100 % has been reached: once, also when `wrapUp` was never said.
        case end
    }

    /// Ids that are remembered; more answers than a session of hours has. The journal's own key is the second guard.
    package static let maxResponses = 4_096

    package let limitMicros: Int64
    package private(set) var spentMicros: Int64
    package private(set) var state = State.spending
    private var counted: Set<String>
    /// Oldest first, so that the oldest is forgotten first.
    private var order: [String]

    /// `spentMicros` and `responses`: what earlier owners of this session spent, from the journal.
    package init(limitMicros: Int64, spentMicros: Int64 = 0, responses: [String] = []) {
        self.limitMicros = max(limitMicros, 0)
        self.spentMicros = max(spentMicros, 0)
        order = Array(responses.suffix(Self.maxResponses))
        counted = Set(order)
    }

    /// An answer (or an input transcription, by its item) has cost `micros`. The same id counts once, whichever came
    /// first: an estimate is not corrected by a usage that arrives after all, just as the journal keeps one of them.
    package mutating func spent(_ micros: Int64, response: String) -> OnSpent {
        guard counted.insert(response).inserted else { return .counted }
        order.append(response)
        if order.count > Self.maxResponses { counted.remove(order.removeFirst()) }
        let (sum, overflow) = spentMicros.addingReportingOverflow(max(micros, 0))
        spentMicros = overflow ? .max : sum
        return weighed()
    }

    /// A session goes on with money already spent: is a limit behind it?
    package mutating func resumed() -> OnSpent { weighed() }

    package var remainingMicros: Int64 { max(limitMicros - spentMicros, 0) }

    /// 90 % of the limit, rounded down.
    package var wrapUpMicros: Int64 { limitMicros / 10 * 9 + limitMicros % 10 * 9 / 10 }

    private mutating func weighed() -> OnSpent {
        switch state {
        case .spending where spentMicros >= limitMicros, .wrappingUp where spentMicros >= limitMicros:
            state = .exhausted
            return .end
        case .spending where spentMicros >= wrapUpMicros:
            state = .wrappingUp
            return .wrapUp
        case .spending, .wrappingUp, .exhausted:
            return .fine
        }
    }
}
