import InterviewCore

/// Times of the ownership protocol, by the store's clock. All processes of an installation use the same; only tests
/// have others.
package struct LeaseTimes: Sendable, Hashable {
    /// From one renewal to the next.
    package var renewal: Duration
    /// From a renewal until others may take over.
    package var lease: Duration
    /// A renewal that comes this much after it was due breaks the steadiness that reaping asks for.
    package var lateness: Duration
    /// How long renewals must have been steady before a process may reap: after an outage every lease is past, and the
    /// first one back must not bury the living.
    package var steady: Duration
    /// After it the row of a dead process goes, when no session refers to it.
    package var remembered: Duration

    package init(
        renewal: Duration = .seconds(2), lease: Duration = .seconds(8), lateness: Duration = .seconds(3),
        steady: Duration = .seconds(20), remembered: Duration = .seconds(3_600)
    ) {
        self.renewal = renewal
        self.lease = lease
        self.lateness = lateness
        self.steady = steady
        self.remembered = remembered
    }

    package static let standard = LeaseTimes()

    /// The longest pause between two renewals that are steady.
    package var longestPause: Duration { renewal + lateness }
}

/// A process that makes itself known.
package struct NewInstance: Sendable, Hashable {
    package var id: InstanceID
    package var build: String
    /// `host:port` at which other processes of the installation reach its media listener.
    package var mediaAddress: String
    /// The public URL that reaches this very process, when there is one.
    package var mediaURL: String?
    package var capacity: Int

    package init(id: InstanceID, build: String, mediaAddress: String, mediaURL: String?, capacity: Int) {
        self.id = id
        self.build = build
        self.mediaAddress = mediaAddress
        self.mediaURL = mediaURL
        self.capacity = capacity
    }
}

/// What a renewal tells the others.
package struct InstanceReport: Sendable, Hashable {
    package var active: Int
    package var capacity: Int
    package var draining: Bool
    /// The value of `changed` that this process' last successful `rows(of:and:)` began after.
    package var settled: Int64

    package init(active: Int, capacity: Int, draining: Bool, settled: Int64) {
        self.active = active
        self.capacity = capacity
        self.draining = draining
        self.settled = settled
    }
}

package struct LeaseAnswer: Sendable, Hashable {
    /// Raised whenever somebody else claims or reaps a session of this process, or asks it to close one.
    package var changed: Int64
    /// The lease had been past when this renewal came: what it covered may have been taken.
    package var hadLapsed: Bool

    package init(changed: Int64, hadLapsed: Bool) {
        self.changed = changed
        self.hadLapsed = hadLapsed
    }
}

/// A row of `instances`.
package struct InstanceRecord: Sendable, Hashable {
    package var id: InstanceID
    package var build: String
    package var mediaAddress: String
    package var mediaURL: String?
    package var capacity: Int
    package var active: Int
    package var draining: Bool
    package var startedAt: StoreTime
    /// Milliseconds that the lease still has, by the store's clock when it was read; 0 or less: past.
    package var leaseLeftMilliseconds: Int64
    package var changed: Int64
    package var settled: Int64

    package init(
        id: InstanceID, build: String, mediaAddress: String, mediaURL: String?, capacity: Int, active: Int,
        draining: Bool, startedAt: StoreTime, leaseLeftMilliseconds: Int64, changed: Int64, settled: Int64
    ) {
        self.id = id
        self.build = build
        self.mediaAddress = mediaAddress
        self.mediaURL = mediaURL
        self.capacity = capacity
        self.active = active
        self.draining = draining
        self.startedAt = startedAt
        self.leaseLeftMilliseconds = leaseLeftMilliseconds
        self.changed = changed
        self.settled = settled
    }
}

package enum TakeBack: Sendable, Hashable {
    /// `active`, as it was all the time for the caller: nothing needed doing.
    case unchanged(SessionRecord)
    case taken(SessionRecord)
    /// Taken back, but the study's cap has no room for its reservation any more: wrap up.
    case takenWithoutBudget(SessionRecord)
}

/// One round of reaping.
package struct Sweep: Sendable, Hashable {
    package var by: InstanceID
    package var limit: Int
    /// Where the study sets none.
    package var defaultRejoin: Duration
    package var defaultHardLimit: Duration
    /// Active time beyond the hard limit that makes a zombie for others than its owner. More than the owner's own
    /// five minutes, so that a living owner is faster.
    package var zombieAfter: Duration

    package init(
        by: InstanceID, limit: Int = 100, defaultRejoin: Duration, defaultHardLimit: Duration,
        zombieAfter: Duration = .seconds(420)
    ) {
        self.by = by
        self.limit = limit
        self.defaultRejoin = defaultRejoin
        self.defaultHardLimit = defaultHardLimit
        self.zombieAfter = zombieAfter
    }
}

/// What a sweep made of a row.
package struct Reaped: Sendable, Hashable {
    package enum Cause: String, Sendable, Hashable, CaseIterable {
        /// `scheduled` past its expiry: ended.
        case noShow = "no_show"
        /// `interrupted` past its window: ended.
        case interrupted
        /// Its owner's lease is past, or its owner is unknown: `interrupted`.
        case ownerLost = "owner_lost"
        /// Active far beyond its hard limit: ended.
        case zombie
    }
    package var cause: Cause
    /// As the sweep left it.
    package var record: SessionRecord

    package init(cause: Cause, record: SessionRecord) {
        self.cause = cause
        self.record = record
    }
}

package enum CloseRequest: Sendable, Hashable {
    case ended
    /// A living process has been told to.
    case requested(of: InstanceID)
    case alreadyEnded
    case unknown
}

package enum Suspicion: Sendable, Hashable {
    /// Marked; it may go on.
    case marked
    /// The second time: ended with `error`.
    case ended
    /// Over already, or unknown.
    case settled
}

/// Money of a study that a session may spend.
package enum Reservation {
    /// Reserved at admission and with every top-up: one dollar.
    package static let step: Int64 = 1_000_000
    /// Below it another step is asked for.
    package static let low: Int64 = 400_000
}

package enum TopUp: Sendable, Hashable {
    /// What the session now has reserved.
    case granted(reservedMicros: Int64)
    /// The cap has no room: wrap up.
    case refused
}

/// `spent + Σ reserved ≤ cap` in every committed state; what was used beyond a reservation is `debt`.
package struct StudyLedger: Sendable, Hashable {
    package var capMicros: Int64?
    package var spentMicros: Int64
    package var reservedMicros: Int64
    package var debtMicros: Int64

    package init(capMicros: Int64?, spentMicros: Int64, reservedMicros: Int64, debtMicros: Int64) {
        self.capMicros = capMicros
        self.spentMicros = spentMicros
        self.reservedMicros = reservedMicros
        self.debtMicros = debtMicros
    }

    /// Another step may be reserved.
    package var hasRoom: Bool {
        guard let capMicros else { return true }
        return spentMicros + debtMicros + reservedMicros + Reservation.step <= capMicros
    }
}
