// What `voicectl fleet` and `voicectl sessions --stuck` show: of all processes of the installation, from the store. JSON
// keys are part of the contract; unknown keys are ignored by readers.

/// `voicectl fleet`.
package struct FleetReport: Hashable, Sendable, Codable {
    /// Oldest first.
    package var instances: [FleetInstance]
    package init(instances: [FleetInstance]) { self.instances = instances }
}

/// One process that the store knows, alive or lately dead.
package struct FleetInstance: Hashable, Sendable, Codable {
    package var instance: String
    /// The process that was asked.
    package var isThis: Bool
    package var build: String
    package var mediaAddress: String
    package var mediaURL: String?
    package var active: Int
    package var capacity: Int
    package var draining: Bool
    /// Milliseconds since 1970, by the store's clock.
    package var startedAt: Int64
    package var upSeconds: Int
    /// Milliseconds; 0 or less: others may take over what it had.
    package var leaseLeftMilliseconds: Int64

    package init(
        instance: String, isThis: Bool, build: String, mediaAddress: String, mediaURL: String?, active: Int,
        capacity: Int, draining: Bool, startedAt: Int64, upSeconds: Int, leaseLeftMilliseconds: Int64
    ) {
        self.instance = instance
        self.isThis = isThis
        self.build = build
        self.mediaAddress = mediaAddress
        self.mediaURL = mediaURL
        self.active = active
        self.capacity = capacity
        self.draining = draining
        self.startedAt = startedAt
        self.upSeconds = upSeconds
        self.leaseLeftMilliseconds = leaseLeftMilliseconds
    }

    enum CodingKeys: String, CodingKey {
        case instance, build, active, capacity, draining
        case isThis = "this"
        case mediaAddress = "media_address"
        case mediaURL = "media_url"
        case startedAt = "started_at_ms"
        case upSeconds = "up_s"
        case leaseLeftMilliseconds = "lease_left_ms"
    }
}

/// `voicectl sessions --stuck`.
package struct StuckReport: Hashable, Sendable, Codable {
    /// Longest first.
    package var sessions: [StuckSession]
    /// Sessions that were looked at: all that have not ended, up to a limit.
    package var looked: Int
    /// There are more than were looked at.
    package var isPartial: Bool

    package init(sessions: [StuckSession], looked: Int, isPartial: Bool) {
        self.sessions = sessions
        self.looked = looked
        self.isPartial = isPartial
    }

    enum CodingKeys: String, CodingKey {
        case sessions, looked
        case isPartial = "partial"
    }
}

/// A session that nobody runs as it should be.
package struct StuckSession: Hashable, Sendable, Codable {
    package enum Cause: String, Hashable, Sendable, Codable, CaseIterable {
        /// Its owner's lease is past, or nobody knows the owner.
        case ownerLost = "owner_lost"
        /// Interrupted, and the time to come back is over.
        case windowPast = "window_past"
        /// Nobody came before it expired.
        case neverJoined = "never_joined"
        /// Running far longer than its hard limit lets it.
        case overtime
        /// Its owner has been asked to close it and has not yet.
        case closeUnheard = "close_unheard"
    }
    package var id: SessionID
    package var study: StudyID
    package var state: SessionState
    package var cause: Cause
    package var owner: String?
    package var epoch: Int64
    /// How long it has been so; nil: not known.
    package var seconds: Int?

    package init(
        id: SessionID, study: StudyID, state: SessionState, cause: Cause, owner: String?, epoch: Int64, seconds: Int?
    ) {
        self.id = id
        self.study = study
        self.state = state
        self.cause = cause
        self.owner = owner
        self.epoch = epoch
        self.seconds = seconds
    }

    enum CodingKeys: String, CodingKey {
        case id, study, state, cause, owner, epoch
        case seconds = "for_s"
    }
}
