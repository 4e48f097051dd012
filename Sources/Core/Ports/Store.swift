import InterviewCore

package enum StoreError: Error, Sendable, Hashable {
    /// The store does not answer, or is full; worth another try. `code` is the library's own, never data.
    case unavailable(code: String)
    /// Something with this id exists, with other content.
    case conflict
    case notFound
    /// (owner, epoch) is no longer the caller's.
    case fenced
    /// What the store holds cannot be read: a defect, or a newer version's data.
    case corrupt(code: String)
}

/// Where studies, sessions and journals live. SQLite and PostgreSQL pass one contract suite. Every call may block for
/// a while and never runs on a loop's thread.
package protocol Store: Sendable {
    // MARK: Studies
    /// Creates or replaces.
    func save(_ study: Study) async throws(StoreError)
    func study(_ id: StudyID) async throws(StoreError) -> Study?
    /// By id.
    func studies() async throws(StoreError) -> [Study]

    // MARK: Sessions
    /// Creates a `scheduled` session. `.conflict` when the id exists, `.notFound` when the study does not.
    func create(_ session: NewSession) async throws(StoreError) -> SessionRecord
    func session(_ id: SessionID) async throws(StoreError) -> SessionRecord?
    /// Newest first.
    func sessions(_ filter: SessionFilter) async throws(StoreError) -> [SessionRecord]
    /// Takes (owner, epoch + 1), state `active`, if the row still has `expected` and is not `ended`.
    func claim(
        _ id: SessionID, expecting expected: Ownership, by owner: InstanceID, client: String
    ) async throws(StoreError) -> Claim
    /// What changed of a session that the caller owns. `.fenced` when it does not any more.
    func update(_ id: SessionID, as holder: Ownership, _ change: SessionChange) async throws(StoreError)
    /// Sessions of any process whose state is `scheduled` past `expiresAt` or `interrupted` past `rejoinUntil` end now
    /// (`no_show`, `interrupted`); at most `limit`. Returns them.
    func endOverdue(limit: Int) async throws(StoreError) -> [SessionRecord]
    /// At the start of the only process on this store: rows that an earlier process left `active` become
    /// `interrupted`, with `rejoinUntil` = now + their rejoin window (`defaultRejoin` where the study sets none).
    func interruptOrphans(of keep: InstanceID, defaultRejoin: Duration) async throws(StoreError) -> [SessionRecord]

    // MARK: Journal
    /// Durable when it returns. The records of one session are committed in order, all or none of them; one group
    /// commit serves many sessions. `.fenced` refuses this session's records alone. The same key with the same entry
    /// is no error, with another entry it is `.conflict`.
    func append(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError)
    /// By (epoch, sequence).
    func journal(of id: SessionID) async throws(StoreError) -> [JournalRecord]

    /// Answers when the store does; for `/health`.
    func ping() async throws(StoreError)
    func close() async
}

package struct NewSession: Sendable, Hashable {
    package var id: SessionID
    package var study: StudyID
    package var participant: String
    package var expiresIn: Duration

    package init(id: SessionID, study: StudyID, participant: String, expiresIn: Duration) {
        self.id = id
        self.study = study
        self.participant = participant
        self.expiresIn = expiresIn
    }
}

package enum Claim: Sendable, Hashable {
    case claimed(SessionRecord)
    /// Somebody was faster, or it has ended: the row as it is now.
    case lost(SessionRecord)
    case unknown
}

package struct SessionFilter: Sendable, Hashable {
    package var study: StudyID?
    package var states: Set<SessionState>?
    package var limit: Int

    package init(study: StudyID? = nil, states: Set<SessionState>? = nil, limit: Int = 100) {
        self.study = study
        self.states = states
        self.limit = limit
    }
}

package enum SessionChange: Sendable, Hashable {
    /// The participant is gone; the owner lives.
    case disconnected(activeMilliseconds: Int64)
    /// The participant is back (on this owner).
    case reconnected(client: String)
    /// Given up by its owner: `interrupted`, owner nil, to be rejoined within `rejoinWindow`.
    case released(rejoinWindow: Duration, activeMilliseconds: Int64, costMicros: Int64)
    /// Over. Written with its `end` journal record in one transaction; owner nil.
    case ended(EndEntry, sequence: Int64, activeMilliseconds: Int64, costMicros: Int64)
}
