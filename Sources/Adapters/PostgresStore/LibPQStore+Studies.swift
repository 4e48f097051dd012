import InterviewCore
import Ports
import PostgreSQL
import WireFormats

extension LibPQStore {
    /// What the sessions have reserved and spent stays.
    package func save(_ study: Study) async throws(StoreError) {
        let limits = study.limits
        let milliseconds = { (seconds: Int?) in seconds.map { "\(Duration.seconds($0).storedWindow)" } }
        _ = try await call(
            """
            INSERT INTO studies(id, body, rejoin_ms, hard_limit_ms, cap_micros, updated_at)
            VALUES ($1, $2, $3::bigint, $4::bigint, $5::bigint, voiced_now_1())
            ON CONFLICT (id) DO UPDATE SET
                body = excluded.body, rejoin_ms = excluded.rejoin_ms, hard_limit_ms = excluded.hard_limit_ms,
                cap_micros = excluded.cap_micros, updated_at = excluded.updated_at
            """,
            [
                study.id.text, StoredText.json(study), milliseconds(limits.rejoinSeconds),
                milliseconds(limits.hardLimitSeconds), study.budgetMicros.map { "\($0)" },
            ])
    }

    package func study(_ id: StudyID) async throws(StoreError) -> Study? {
        try Self.studies(try await call("SELECT body FROM studies WHERE id = $1", [id.text])).first
    }

    package func studies() async throws(StoreError) -> [Study] {
        try Self.studies(try await call("SELECT body FROM studies ORDER BY id", []))
    }

    private static func studies(_ rows: [PostgresRow]) throws(StoreError) -> [Study] {
        var studies: [Study] = []
        for row in rows { studies.append(try StoredText.value(Study.self, from: row.first ?? nil, "studies.body")) }
        return studies
    }

    package func ledger(of study: StudyID) async throws(StoreError) -> StudyLedger? {
        let rows = try await call(
            "SELECT cap_micros, spent_micros, reserved_micros, debt_micros FROM studies WHERE id = $1", [study.text])
        guard let row = rows.first else { return nil }
        let numbers = row.map { $0.flatMap { Int64($0) } }
        guard numbers.count == 4, let spent = numbers[1], let reserved = numbers[2], let debt = numbers[3] else {
            throw .corrupt(code: "studies.ledger")
        }
        return StudyLedger(capMicros: numbers[0], spentMicros: spent, reservedMicros: reserved, debtMicros: debt)
    }

    package func topUp(_ id: SessionID, as holder: Ownership) async throws(StoreError) -> TopUp {
        let answer = try await ask("SELECT voiced_top_up_1($1::jsonb)", SessionAsk(id, holder))
        switch answer.result {
        case "granted": return .granted(reservedMicros: answer.reserved ?? 0)
        case "refused": return .refused
        case "fenced": throw .fenced
        default: throw answer.unknown
        }
    }
}

/// What most functions about one session are asked.
struct SessionAsk: Encodable {
    var session: String
    var owner: String?
    var epoch: Int64?
    var step = Reservation.step
    var detail: String?
    var deaths: Int?

    init(_ id: SessionID, _ holder: Ownership? = nil, detail: String? = nil, deaths: Int? = nil) {
        session = id.text
        owner = holder?.owner?.text.storable
        epoch = holder?.epoch
        self.detail = detail?.storable
        self.deaths = deaths
    }
}
