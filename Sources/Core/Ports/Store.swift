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
    /// Takes (owner, epoch + 1), state `active`, if the row still has `expected` and is not `ended`; with it the study's
    /// reservation (`Reservation.step`), unless the session has one. Raises `changed` of the owner that loses it.
    func claim(
        _ id: SessionID, expecting expected: Ownership, by owner: InstanceID, client: String
    ) async throws(StoreError) -> Claim
    /// What changed of a session that the caller owns. `.fenced` when it does not any more.
    func update(_ id: SessionID, as holder: Ownership, _ change: SessionChange) async throws(StoreError)

    // MARK: Instances
    /// Makes a process known, its lease running from now. An id that is known already is renewed.
    func register(_ instance: NewInstance) async throws(StoreError) -> LeaseAnswer
    /// Renews the lease of one process: one row. `.notFound`: the row has been deleted, register again.
    func renew(_ id: InstanceID, _ report: InstanceReport) async throws(StoreError) -> LeaseAnswer
    /// An orderly end: the lease is over now, and nobody waits for it.
    func retire(_ id: InstanceID) async throws(StoreError)
    /// Every known process, oldest first; rows of dead ones stay for an hour and while a session refers to them.
    func instances() async throws(StoreError) -> [InstanceRecord]
    /// Says, each time, that something of this process' rows may have changed. A hint: it may come late, twice or never,
    /// and says nothing while the store is away. Ends with the store.
    func signals(for id: InstanceID) -> AsyncStream<Void>

    // MARK: Settling, after `changed` was raised or a lease had lapsed
    /// Rows that name `owner`, and the rows of `held` whoever they name, in one snapshot.
    func rows(of owner: InstanceID, and held: [SessionID]) async throws(StoreError) -> [SessionRecord]
    /// Marked `interrupted`, or ended by a reaper, while its owner was still talking: `active` again, under the same
    /// (owner, epoch). `.fenced` when the row names another, or has been ended by somebody who is no reaper.
    func takeBack(_ id: SessionID, as holder: Ownership) async throws(StoreError) -> TakeBack

    // MARK: Reaping
    /// Settles what nobody runs any more, at most `limit` rows, each once however many processes ask. Does nothing
    /// unless `sweep.by` has renewed its lease for `steady` without being late (`LeaseTimes`). Dead instances that no
    /// session refers to are deleted an hour after their lease.
    func reap(_ sweep: Sweep) async throws(StoreError) -> [Reaped]
    /// Ends a session that nobody runs (no owner, or one whose lease is past) with `admin_closed`; asks the owner to
    /// where there is one (`SessionRecord.closeRequest`, and its `changed` is raised).
    func requestClose(_ id: SessionID, detail: String?) async throws(StoreError) -> CloseRequest
    /// This session was in hand when a process died: at the second time it is ended with `error`, whoever holds it.
    func suspect(_ id: SessionID) async throws(StoreError) -> Suspicion

    // MARK: Study budgets
    /// Reserves another `Reservation.step` for a session that the caller holds.
    func topUp(_ id: SessionID, as holder: Ownership) async throws(StoreError) -> TopUp
    func ledger(of study: StudyID) async throws(StoreError) -> StudyLedger?

    // MARK: Journal
    /// Durable when it returns. The records of one session are committed in order, all or none of them; one group
    /// commit serves many sessions. `.fenced` refuses this session's records alone. The same key with the same entry
    /// is no error, with another entry it is `.conflict`.
    func append(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError)
    /// What a fenced owner had not committed: kept beside the conversation, never in it. A record that the journal has
    /// under its key is left out (the commit's answer was lost); usage is money spent, once by its response id over both
    /// tables. The same record twice is no error.
    func appendLate(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError)
    /// By (epoch, sequence).
    func lateJournal(of id: SessionID) async throws(StoreError) -> [JournalRecord]
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
    /// The claimer's own lease is past, or it is not registered: nothing was taken.
    case leaseLapsed
    /// The study's cap has no room for another reservation: nothing was taken.
    case studyBudget
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
