import InterviewCore
import Ports
import PostgreSQL

extension LibPQStore {
    /// More than anybody reads at once; a filter's `limit` is cut to it.
    package static let longestList = 1_000

    package func create(_ session: NewSession) async throws(StoreError) -> SessionRecord {
        let made = try await call(
            """
            WITH made AS (
                INSERT INTO sessions(id, study, participant, state, created_at, expires_at)
                SELECT $1, studies.id, $3, 'scheduled', clock.moment, clock.moment + $4::bigint
                FROM studies, (SELECT voiced_now_1() AS moment) AS clock WHERE studies.id = $2
                ON CONFLICT DO NOTHING RETURNING *
            )
            SELECT to_jsonb(made) FROM made
            """,
            [
                session.id.text, session.study.text, session.participant.storable,
                "\(session.expiresIn.storedMilliseconds)",
            ])
        if let record = try Self.records(made).first { return record }
        throw try await self.session(session.id) == nil ? .notFound : .conflict
    }

    package func session(_ id: SessionID) async throws(StoreError) -> SessionRecord? {
        try Self.records(try await call("SELECT to_jsonb(s) FROM sessions s WHERE id = $1", [id.text])).first
    }

    package func sessions(_ filter: SessionFilter) async throws(StoreError) -> [SessionRecord] {
        let states = filter.states.map { $0.map(\.rawValue).sorted() }
        let rows = try await call(
            """
            SELECT to_jsonb(s) FROM sessions s
            WHERE ($1::text IS NULL OR study = $1)
                AND ($2::jsonb IS NULL OR state IN (SELECT jsonb_array_elements_text($2::jsonb)))
            ORDER BY created_at DESC, id DESC LIMIT $3::bigint
            """,
            [
                filter.study?.text, states.map { states throws(StoreError) in try StoredText.json(states) },
                "\(min(max(0, filter.limit), Self.longestList))",
            ])
        return try Self.records(rows)
    }

    static func records(_ rows: [PostgresRow]) throws(StoreError) -> [SessionRecord] {
        var records: [SessionRecord] = []
        records.reserveCapacity(rows.count)
        for row in rows {
            records.append(try StoredText.value(StoredSession.self, from: row.first ?? nil, "sessions").record())
        }
        return records
    }

    private struct ClaimAsk: Encodable {
        var session: String
        var expected_owner: String?
        var expected_epoch: Int64
        var owner: String
        var client: String
        var step = Reservation.step
    }

    package func claim(
        _ id: SessionID, expecting expected: Ownership, by owner: InstanceID, client: String
    ) async throws(StoreError) -> Claim {
        let answer = try await ask(
            "SELECT voiced_claim_1($1::jsonb)",
            ClaimAsk(
                session: id.text, expected_owner: expected.owner?.text.storable, expected_epoch: expected.epoch,
                owner: owner.text.storable, client: client.storable), lockLimit: options.claimLockLimit)
        switch answer.result {
        case "claimed": return .claimed(try answer.record())
        case "lost": return .lost(try answer.record())
        case "unknown": return .unknown
        case "lease_lapsed": return .leaseLapsed
        case "study_budget": return .studyBudget
        default: throw answer.unknown
        }
    }

    // MARK: Settling

    package func rows(of owner: InstanceID, and held: [SessionID]) async throws(StoreError) -> [SessionRecord] {
        let rows = try await call(
            """
            SELECT to_jsonb(s) FROM sessions s WHERE id IN (
                SELECT id FROM sessions WHERE owner = $1 UNION SELECT jsonb_array_elements_text($2::jsonb))
            ORDER BY id
            """, [owner.text.storable, StoredText.json(held.map(\.text))])
        return try Self.records(rows)
    }

    package func takeBack(_ id: SessionID, as holder: Ownership) async throws(StoreError) -> TakeBack {
        let answer = try await ask("SELECT voiced_take_back_1($1::jsonb)", SessionAsk(id, holder))
        switch answer.result {
        case "unchanged": return .unchanged(try answer.record())
        case "taken": return .taken(try answer.record())
        case "without_budget": return .takenWithoutBudget(try answer.record())
        case "fenced": throw .fenced
        default: throw answer.unknown
        }
    }

    package func requestClose(_ id: SessionID, detail: String?) async throws(StoreError) -> CloseRequest {
        let answer = try await ask("SELECT voiced_request_close_1($1::jsonb)", SessionAsk(id, detail: detail))
        switch answer.result {
        case "ended": return .ended
        case "already_ended": return .alreadyEnded
        case "unknown": return .unknown
        case "requested":
            guard let owner = answer.owner else { throw answer.unknown }
            return .requested(of: InstanceID(owner))
        default: throw answer.unknown
        }
    }

    /// Once may be chance.
    private static let deathsUntilEnd = 2

    package func suspect(_ id: SessionID) async throws(StoreError) -> Suspicion {
        let answer = try await ask(
            "SELECT voiced_suspect_1($1::jsonb)", SessionAsk(id, deaths: Self.deathsUntilEnd))
        switch answer.result {
        case "marked": return .marked
        case "ended": return .ended
        case "settled": return .settled
        default: throw answer.unknown
        }
    }
}
