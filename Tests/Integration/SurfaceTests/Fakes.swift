import InterviewCore
import Ports
import Synchronization

/// A store in memory: what the surface needs of it, by the contract of `Store`.
actor FakeStore: Store {
    private(set) var studiesByID: [StudyID: Study] = [:]
    private(set) var records: [SessionRecord] = []
    private var known: [InstanceRecord] = []
    private var lateJournals: [SessionID: [JournalRecord]] = [:]
    private var ledgers: [StudyID: StudyLedger] = [:]
    private var journals: [SessionID: [JournalRecord]] = [:]
    private var failure: StoreError?
    private let now = StoreTime(milliseconds: 1_770_091_506_789)

    func fail(with error: StoreError?) { failure = error }
    func put(_ record: SessionRecord, journal: [JournalRecord] = []) {
        records.append(record)
        journals[record.id] = journal
    }
    private func check() throws(StoreError) { if let failure { throw failure } }

    func save(_ study: Study) async throws(StoreError) {
        try check()
        studiesByID[study.id] = study
    }
    func study(_ id: StudyID) async throws(StoreError) -> Study? {
        try check()
        return studiesByID[id]
    }
    func studies() async throws(StoreError) -> [Study] {
        try check()
        return studiesByID.values.sorted { $0.id.text < $1.id.text }
    }
    func create(_ session: NewSession) async throws(StoreError) -> SessionRecord {
        try check()
        guard studiesByID[session.study] != nil else { throw .notFound }
        guard !records.contains(where: { $0.id == session.id }) else { throw .conflict }
        let record = SessionRecord(
            id: session.id, study: session.study, participant: session.participant, createdAt: now,
            expiresAt: StoreTime(milliseconds: now.milliseconds + session.expiresIn.components.seconds * 1_000))
        records.append(record)
        return record
    }
    func session(_ id: SessionID) async throws(StoreError) -> SessionRecord? {
        try check()
        return records.first { $0.id == id }
    }
    func sessions(_ filter: SessionFilter) async throws(StoreError) -> [SessionRecord] {
        try check()
        let matching = records.reversed().filter { record in
            (filter.study.map { $0 == record.study } ?? true) && (filter.states?.contains(record.state) ?? true)
        }
        return Array(matching.prefix(filter.limit))
    }
    func journal(of id: SessionID) async throws(StoreError) -> [JournalRecord] {
        try check()
        return journals[id] ?? []
    }
    func claim(
        _ id: SessionID, expecting expected: Ownership, by owner: InstanceID, client: String
    ) async throws(StoreError) -> Claim { .unknown }
    func update(_ id: SessionID, as holder: Ownership, _ change: SessionChange) async throws(StoreError) {}
    func append(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError) {}
    func ping() async throws(StoreError) { try check() }
    func close() async {}

    // MARK: Ownership, of which the surface asks for the instances and the ledgers only
    func put(_ instance: InstanceRecord) { known.append(instance) }
    func put(late journal: [JournalRecord], of id: SessionID) { lateJournals[id] = journal }
    func put(_ ledger: StudyLedger, of study: StudyID) { ledgers[study] = ledger }
    func instances() async throws(StoreError) -> [InstanceRecord] {
        try check()
        return known
    }
    func ledger(of study: StudyID) async throws(StoreError) -> StudyLedger? {
        try check()
        return ledgers[study]
            ?? studiesByID[study].map {
                StudyLedger(capMicros: $0.budgetMicros, spentMicros: 0, reservedMicros: 0, debtMicros: 0)
            }
    }
    func register(_ instance: NewInstance) async throws(StoreError) -> LeaseAnswer {
        LeaseAnswer(changed: 0, hadLapsed: false)
    }
    func renew(_ id: InstanceID, _ report: InstanceReport) async throws(StoreError) -> LeaseAnswer {
        LeaseAnswer(changed: 0, hadLapsed: false)
    }
    func retire(_ id: InstanceID) async throws(StoreError) {}
    nonisolated func signals(for id: InstanceID) -> AsyncStream<Void> { AsyncStream { $0.finish() } }
    func rows(of owner: InstanceID, and held: [SessionID]) async throws(StoreError) -> [SessionRecord] { [] }
    func takeBack(_ id: SessionID, as holder: Ownership) async throws(StoreError) -> TakeBack { throw .fenced }
    func reap(_ sweep: Sweep) async throws(StoreError) -> [Reaped] { [] }
    func requestClose(_ id: SessionID, detail: String?) async throws(StoreError) -> Ports.CloseRequest { .unknown }
    func suspect(_ id: SessionID) async throws(StoreError) -> Suspicion { .settled }
    func topUp(_ id: SessionID, as holder: Ownership) async throws(StoreError) -> TopUp { .refused }
    func appendLate(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError) {}
    func lateJournal(of id: SessionID) async throws(StoreError) -> [JournalRecord] {
        try check()
        return lateJournals[id] ?? []
    }
}

/// Tokens one can read: `scope:session:participant:seconds`.
struct FakeTokens: TokenAuthority {
    func sign(_ claims: TokenClaims, lifetime: Duration) async throws(TokenError) -> String {
        "\(claims.scope.rawValue):\(claims.session):\(claims.participant):\(lifetime.components.seconds)"
    }
    func verify(_ token: String) async throws(TokenError) -> TokenClaims {
        if token == "expired" { throw .expired }
        let parts = token.split(separator: ":").map(String.init)
        guard parts.count == 4, let scope = TokenScope(rawValue: parts[0]), let session = SessionID(parts[1]) else {
            throw .malformed
        }
        return TokenClaims(participant: parts[2], session: session, scope: scope)
    }
}

/// A daemon without conversations, which notes what it is told.
final class FakeControl: Control {
    struct State {
        var health = HealthReport(
            status: "healthy", activeSessions: 1, acceptingNew: true, draining: false, capacity: 200, reasons: [])
        var alive = true
        var closed: [String] = []
        var drains: [Duration?] = []
        var storeIsAway = false
    }
    let state = Mutex(State())
    static let session = SessionID("s-1")
    static let ended = SessionID("s-ended")
    static let others = SessionID("s-others")

    var closed: [String] { state.withLock { $0.closed } }
    var drains: [Duration?] { state.withLock { $0.drains } }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func health() async -> HealthReport { state.withLock { $0.health } }
    func isAlive() async -> Bool { state.withLock { $0.alive } }
    func metricsPage() async -> String { "# TYPE voice_build_info gauge\nvoice_build_info 1\n" }
    func status() async -> StatusReport {
        StatusReport(
            instance: "i", build: "b", uptimeSeconds: 1, loops: 2, health: await health(), sessionsByState: ["live": 1])
    }
    func sessions() async -> [SessionSummary] { Self.session.flatMap(Self.summary).map { [$0] } ?? [] }
    func session(_ id: SessionID) async -> SessionDetail? {
        guard id == Self.session, let summary = Self.summary(id) else { return nil }
        return SessionDetail(
            summary: summary, epoch: 1, client: "c", endsInMilliseconds: 1, counters: ["frames_in": 3],
            turnLatenciesMilliseconds: [1], timeline: [])
    }
    func costs() async -> [SessionCost] {
        var costs: [SessionCost] = []
        if let id = Self.session, let cost = await cost(of: id) { costs.append(cost) }
        return costs
    }
    func cost(of id: SessionID) async -> SessionCost? {
        guard id == Self.session else { return nil }
        return StudyID("demo").map {
            SessionCost(
                id: id, study: $0, spentMicros: 12, limitMicros: 100, estimatedMicros: 3,
                models: [
                    ModelCost(
                        model: "m", records: 1, micros: 12, estimatedMicros: 3, inputTokens: 4, cachedTokens: 1,
                        parts: [CostPart(kind: "text_in", count: 3, micros: 12)])
                ])
        }
    }
    private func check() throws(StoreError) {
        if state.withLock({ $0.storeIsAway }) { throw .unavailable(code: "test") }
    }
    func fleet() async throws(StoreError) -> FleetReport {
        try check()
        return FleetReport(instances: [
            FleetInstance(
                instance: "i", isThis: true, build: "b", mediaAddress: "10.0.0.1:8082", mediaURL: nil, active: 1,
                capacity: 9, draining: false, startedAt: 1, upSeconds: 2, leaseLeftMilliseconds: 7_900)
        ])
    }
    func stuck() async throws(StoreError) -> StuckReport {
        try check()
        guard let id = Self.others, let study = StudyID("demo") else { throw .notFound }
        let session = StuckSession(
            id: id, study: study, state: .active, cause: .ownerLost, owner: "gone", epoch: 3, seconds: nil)
        return StuckReport(sessions: [session], looked: 5, isPartial: false)
    }
    func close(_ id: SessionID, detail: String?) async throws(StoreError) -> CloseOutcome {
        try check()
        switch id {
        case Self.others: return .requested
        case Self.session:
            change { $0.closed.append("\(id) \(detail ?? "nil")") }
            return .closed
        case Self.ended: return .alreadyEnded
        default: return .unknown
        }
    }
    func drain(timeout: Duration?) async -> DrainReport {
        change { $0.drains.append(timeout) }
        return DrainReport(draining: true, sessionsRemaining: 1, deadlineInMilliseconds: 300_000)
    }

    private static func summary(_ id: SessionID) -> SessionSummary? {
        StudyID("demo").map {
            SessionSummary(
                id: id, study: $0, state: "live", loop: 0, provider: "openai", language: "en", connected: true,
                activeSeconds: 5, turns: 2, costMicros: 12)
        }
    }
}
