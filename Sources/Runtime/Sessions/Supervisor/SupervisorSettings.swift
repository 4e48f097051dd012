import InterviewCore
import Ports

/// What the supervisor and its sessions are told once, at start.
package struct SupervisorSettings: Sendable {
    package var instance: InstanceID
    package var build: String
    /// How many conversations this process runs at once, and when it takes nobody new.
    package var seats: SeatPolicy
    /// Limits where the study sets none.
    package var limits: LifecycleLimits
    /// Micro-dollars one session may cost where the study sets nothing.
    package var sessionBudgetMicros: Int64
    package var drainTimeout: Duration
    package var maxOutputTokens: Int?
    /// How often overdue rows are looked for.
    package var reapInterval: Duration
    /// How often the store is asked whether it answers.
    package var pingInterval: Duration
    package var leaseTimes: LeaseTimes
    /// The public address of this very process, for `welcome.url`.
    package var mediaURL: String?

    package init(
        instance: InstanceID, build: String, seats: SeatPolicy, limits: LifecycleLimits = LifecycleLimits(),
        sessionBudgetMicros: Int64 = 15_000_000, drainTimeout: Duration = .seconds(300), maxOutputTokens: Int? = nil,
        reapInterval: Duration = .seconds(2), pingInterval: Duration = .seconds(5), leaseTimes: LeaseTimes = .standard,
        mediaURL: String? = nil
    ) {
        self.instance = instance
        self.build = build
        self.seats = seats
        self.limits = limits
        self.sessionBudgetMicros = sessionBudgetMicros
        self.drainTimeout = drainTimeout
        self.maxOutputTokens = maxOutputTokens
        self.reapInterval = reapInterval
        self.pingInterval = pingInterval
        self.leaseTimes = leaseTimes
        self.mediaURL = mediaURL
    }

    /// The study's limits where it sets them, else ours.
    package func limits(for study: Study) -> LifecycleLimits {
        var merged = limits
        if let seconds = study.limits.idleSeconds { merged.idle = .seconds(seconds) }
        if let seconds = study.limits.hardLimitSeconds { merged.hardLimit = .seconds(seconds) }
        if let seconds = study.limits.rejoinSeconds { merged.rejoin = .seconds(seconds) }
        return merged
    }
}
