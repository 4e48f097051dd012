import InterviewCore

/// What may change while a process runs. Conversations that have begun keep what they began with; the next ones get the
/// new values.
package struct LiveSettings: Sendable {
    package var seats: SeatPolicy
    package var limits: LifecycleLimits
    package var sessionBudgetMicros: Int64
    package var drainTimeout: Duration
    package var maxOutputTokens: Int?
    package var prices: PriceBook

    package init(
        seats: SeatPolicy, limits: LifecycleLimits, sessionBudgetMicros: Int64, drainTimeout: Duration,
        maxOutputTokens: Int?, prices: PriceBook
    ) {
        self.seats = seats
        self.limits = limits
        self.sessionBudgetMicros = sessionBudgetMicros
        self.drainTimeout = drainTimeout
        self.maxOutputTokens = maxOutputTokens
        self.prices = prices
    }
}

extension SessionSupervisor {
    package func use(_ live: LiveSettings) {
        settings.seats = live.seats
        settings.limits = live.limits
        settings.sessionBudgetMicros = live.sessionBudgetMicros
        settings.drainTimeout = live.drainTimeout
        settings.maxOutputTokens = live.maxOutputTokens
        services.prices = live.prices
        services.metrics.set(Metric.sessionsCapacity, to: Double(live.seats.capacity))
    }
}
