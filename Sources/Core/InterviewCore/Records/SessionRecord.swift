/// `sessions.state`: what the store says of a conversation.
package enum SessionState: String, Hashable, Sendable, Codable, CaseIterable {
    /// Created, nobody has joined. Leaves to `active` on the first join, to `ended(no_show)` at `expiresAt`.
    case scheduled
    /// Held by (owner, epoch). Leaves to `interrupted` or `ended`.
    case active
    /// Nobody is known to run it and `rejoinUntil` is running. Leaves to `active` on a rejoin, to `ended` after it.
    case interrupted
    /// Over, with a `CompletionReason`.
    case ended
}

/// Why a conversation ended. Researchers pay incentives by it.
package enum CompletionReason: String, Hashable, Sendable, Codable, CaseIterable {
    /// The interview's own end: the model called `end_interview` and its farewell has played out.
    case completed
    /// The participant said `leave` (detail `left`) or dropped and stayed away (detail `dropped`).
    case participantLeft = "participant_left"
    case noShow = "no_show"
    case idleTimeout = "idle_timeout"
    case timeLimit = "time_limit"
    case budgetSession = "budget_session"
    case budgetStudy = "budget_study"
    case providerFailed = "provider_failed"
    /// Nobody came back after our own crash or force-close.
    case interrupted
    case zombie
    case adminClosed = "admin_closed"
    case error
}

/// Who may write for a session. `epoch` grows by one with every claim or committed move and never otherwise.
package struct Ownership: Hashable, Sendable, Codable {
    package var owner: InstanceID?
    package var epoch: Int64

    package init(owner: InstanceID?, epoch: Int64) {
        self.owner = owner
        self.epoch = epoch
    }
}

/// A moment by the store's clock: milliseconds since 1970-01-01T00:00:00Z.
package struct StoreTime: Hashable, Sendable, Codable, Comparable {
    package var milliseconds: Int64
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }
    package static func < (left: StoreTime, right: StoreTime) -> Bool { left.milliseconds < right.milliseconds }
    package init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int64.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}

/// One row of `sessions`.
package struct SessionRecord: Hashable, Sendable {
    package var id: SessionID
    package var study: StudyID
    /// The researcher's own, pseudonymous name for the participant; never logged.
    package var participant: String
    package var state: SessionState
    package var ownership: Ownership
    /// The page load that joined last.
    package var client: String?
    package var completionReason: CompletionReason?
    /// A word that refines the reason: `left`, `dropped`, a provider's error kind.
    package var completionDetail: String?
    package var createdAt: StoreTime
    /// After it a session that nobody joined ends as `no_show`.
    package var expiresAt: StoreTime
    package var startedAt: StoreTime?
    package var disconnectedAt: StoreTime?
    package var rejoinUntil: StoreTime?
    package var endedAt: StoreTime?
    /// Active time of all owners so far, interruptions not counted, as of the last write.
    package var activeMilliseconds: Int64
    /// Spent so far by the journal's usage records.
    package var costMicros: Int64
    /// What the study's budget has set aside for it and it has not spent; released at the end only.
    package var reservedMicros: Int64
    /// Somebody asked its owner to close it: the detail, maybe empty.
    package var closeRequest: String?
    /// How often a process died with this session in hand.
    package var suspected: Int

    package init(
        id: SessionID, study: StudyID, participant: String, state: SessionState = .scheduled,
        ownership: Ownership = Ownership(owner: nil, epoch: 0), client: String? = nil,
        completionReason: CompletionReason? = nil, completionDetail: String? = nil, createdAt: StoreTime,
        expiresAt: StoreTime, startedAt: StoreTime? = nil, disconnectedAt: StoreTime? = nil,
        rejoinUntil: StoreTime? = nil, endedAt: StoreTime? = nil, activeMilliseconds: Int64 = 0, costMicros: Int64 = 0,
        reservedMicros: Int64 = 0, closeRequest: String? = nil, suspected: Int = 0
    ) {
        self.id = id
        self.study = study
        self.participant = participant
        self.state = state
        self.ownership = ownership
        self.client = client
        self.completionReason = completionReason
        self.completionDetail = completionDetail
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.startedAt = startedAt
        self.disconnectedAt = disconnectedAt
        self.rejoinUntil = rejoinUntil
        self.endedAt = endedAt
        self.activeMilliseconds = activeMilliseconds
        self.costMicros = costMicros
        self.reservedMicros = reservedMicros
        self.closeRequest = closeRequest
        self.suspected = suspected
    }
}
