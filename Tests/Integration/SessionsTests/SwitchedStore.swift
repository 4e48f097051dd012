import InterviewCore
import Ports
import Synchronization

/// A store that a test can take away and give back, as a network does: while it is away every call answers
/// `unavailable`, and nothing has been done.
final class SwitchedStore: Store {
    private let inner: any Store
    private let away = Mutex(false)

    init(_ inner: any Store) { self.inner = inner }

    var isAway: Bool {
        get { away.withLock { $0 } }
        set { away.withLock { $0 = newValue } }
    }

    private func check() throws(StoreError) {
        if isAway { throw .unavailable(code: "away") }
    }

    func save(_ study: Study) async throws(StoreError) { try check(); try await inner.save(study) }
    func study(_ id: StudyID) async throws(StoreError) -> Study? { try check(); return try await inner.study(id) }
    func studies() async throws(StoreError) -> [Study] { try check(); return try await inner.studies() }
    func create(_ session: NewSession) async throws(StoreError) -> SessionRecord {
        try check()
        return try await inner.create(session)
    }
    func session(_ id: SessionID) async throws(StoreError) -> SessionRecord? {
        try check()
        return try await inner.session(id)
    }
    func sessions(_ filter: SessionFilter) async throws(StoreError) -> [SessionRecord] {
        try check()
        return try await inner.sessions(filter)
    }
    func claim(
        _ id: SessionID, expecting expected: Ownership, by owner: InstanceID, client: String
    ) async throws(StoreError) -> Claim {
        try check()
        return try await inner.claim(id, expecting: expected, by: owner, client: client)
    }
    func update(_ id: SessionID, as holder: Ownership, _ change: SessionChange) async throws(StoreError) {
        try check()
        try await inner.update(id, as: holder, change)
    }
    func register(_ instance: NewInstance) async throws(StoreError) -> LeaseAnswer {
        try check()
        return try await inner.register(instance)
    }
    func renew(_ id: InstanceID, _ report: InstanceReport) async throws(StoreError) -> LeaseAnswer {
        try check()
        return try await inner.renew(id, report)
    }
    func retire(_ id: InstanceID) async throws(StoreError) { try check(); try await inner.retire(id) }
    func instances() async throws(StoreError) -> [InstanceRecord] { try check(); return try await inner.instances() }
    func signals(for id: InstanceID) -> AsyncStream<Void> { inner.signals(for: id) }
    func rows(of owner: InstanceID, and held: [SessionID]) async throws(StoreError) -> [SessionRecord] {
        try check()
        return try await inner.rows(of: owner, and: held)
    }
    func takeBack(_ id: SessionID, as holder: Ownership) async throws(StoreError) -> TakeBack {
        try check()
        return try await inner.takeBack(id, as: holder)
    }
    func reap(_ sweep: Sweep) async throws(StoreError) -> [Reaped] { try check(); return try await inner.reap(sweep) }
    func requestClose(_ id: SessionID, detail: String?) async throws(StoreError) -> CloseRequest {
        try check()
        return try await inner.requestClose(id, detail: detail)
    }
    func suspect(_ id: SessionID) async throws(StoreError) -> Suspicion {
        try check()
        return try await inner.suspect(id)
    }
    func topUp(_ id: SessionID, as holder: Ownership) async throws(StoreError) -> TopUp {
        try check()
        return try await inner.topUp(id, as: holder)
    }
    func ledger(of study: StudyID) async throws(StoreError) -> StudyLedger? {
        try check()
        return try await inner.ledger(of: study)
    }
    func append(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError) {
        try check()
        try await inner.append(records, as: holder)
    }
    func appendLate(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError) {
        try check()
        try await inner.appendLate(records, as: holder)
    }
    func lateJournal(of id: SessionID) async throws(StoreError) -> [JournalRecord] {
        try check()
        return try await inner.lateJournal(of: id)
    }
    func journal(of id: SessionID) async throws(StoreError) -> [JournalRecord] {
        try check()
        return try await inner.journal(of: id)
    }
    func ping() async throws(StoreError) { try check(); try await inner.ping() }
    func close() async { await inner.close() }
}
