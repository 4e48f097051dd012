import HTTPServing
import HTTPTypes
import Hummingbird
import InterviewCore
import Ports
import WireFormats

/// `/v1/sessions`: create one, list them, read one with its transcript.
struct SessionRoutes: Sendable {
    let door: Door
    let store: any Store
    let tokens: any TokenAuthority
    let settings: WebSettings
    let base: PublicBase

    /// Bytes of a creating request; ours are under 300.
    static let longestBody = 8_192
    static let longestList: ClosedRange<Int> = 1...500
    /// Beyond session and rejoin: a slow clock, a slow person.
    static let tokenMargin = Duration.seconds(600)

    func add(to routes: Routes) {
        routes.at(
            "/v1/sessions",
            [
                .get: { request, _ in try await list(request) },
                .post: { request, _ in try await create(request) },
            ])
        routes.at("/v1/sessions/:id", [.get: { request, context in try await show(request, context) }])
    }

    // MARK: Create

    private func create(_ request: Request) async throws -> Response {
        let key = try await door.admit(request, .createSessions)
        let body = try await request.json(CreateSessionRequest.self, limit: Self.longestBody)
        if let problem = body.problems.first {
            throw APIError(400, "invalid_field", problem.message, field: problem.field)
        }
        guard let studyID = body.study else { throw APIError.badJSON }
        guard let study = try await stored({ () throws(StoreError) in try await store.study(studyID) }) else {
            throw APIError(
                404, "unknown_study", "There is no such study. GET /v1/studies lists them.", field: "study")
        }
        let idempotency = try IdempotencyKey(request.header("Idempotency-Key"), apiKey: key)
        let id = idempotency?.session ?? SessionName.random()
        let wanted = NewSession(
            id: id, study: studyID, participant: body.participant ?? "anonymous-\(id.text.suffix(8))",
            expiresIn: body.expiresInSeconds.map { .seconds($0) } ?? settings.noShow)
        let record: SessionRecord
        do {
            record = try await store.create(wanted)
        } catch .conflict where idempotency != nil {
            record = try await replayed(wanted)
        } catch {
            throw APIError.store(error)
        }
        return try await answer(record, study, lifetime: wanted.expiresIn)
    }

    /// The session that the same key made before, if it was asked for in the same words.
    private func replayed(_ wanted: NewSession) async throws -> SessionRecord {
        guard let known = try await stored({ () throws(StoreError) in try await store.session(wanted.id) }) else {
            throw APIError.store(.conflict)
        }
        let lifetime = known.expiresAt.milliseconds &- known.createdAt.milliseconds
        let asked = wanted.expiresIn / Duration.milliseconds(1)
        guard
            known.study == wanted.study, known.participant == wanted.participant,
            abs(Double(lifetime) - asked) < 1_000
        else {
            throw APIError(
                409, "idempotency_key_reused",
                "This Idempotency-Key made another session. Use a new key for a new request.")
        }
        return known
    }

    private func answer(_ record: SessionRecord, _ study: Study, lifetime: Duration) async throws -> Response {
        let session =
            (study.limits.hardLimitSeconds.map { .seconds($0) } ?? settings.hardLimit)
            + (study.limits.rejoinSeconds.map { .seconds($0) } ?? settings.rejoinWindow)
        let token = try await tokens.sign(
            TokenClaims(participant: record.participant, session: record.id, scope: .join),
            lifetime: lifetime + session + Self.tokenMargin)
        return try Answer.json(
            CreateSessionAnswer(
                id: record.id, token: token, joinURL: "\(try await base.url())/join/\(record.id)#\(token)",
                mediaURL: settings.mediaURL, expiresAt: record.expiresAt.rfc3339),
            status: 201)
    }

    // MARK: Read

    private func show(_ request: Request, _ context: SurfaceContext) async throws -> Response {
        try await door.admit(request, .readSessions)
        let unknown = APIError(404, "unknown_session", "There is no such session.")
        guard let id = context.parameters.get("id").flatMap({ SessionID($0) }) else { throw unknown }
        guard let record = try await stored({ () throws(StoreError) in try await store.session(id) }) else {
            throw unknown
        }
        let journal = try await stored { () throws(StoreError) in try await store.journal(of: id) }
        let late = try await stored { () throws(StoreError) in try await store.lateJournal(of: id) }
        return try Answer.json(SessionDocument(record, journal: journal, late: late))
    }

    private func list(_ request: Request) async throws -> Response {
        try await door.admit(request, .readSessions)
        var filter = SessionFilter()
        let query = request.uri.queryParameters
        if let text = query["study"].map(String.init) {
            guard let study = StudyID(text) else {
                throw APIError(400, "invalid_field", "study is no identifier.", field: "study")
            }
            filter.study = study
        }
        if let text = query["state"].map(String.init) { filter.states = try states(text) }
        if let text = query["limit"].map(String.init) {
            guard let limit = Int(text), Self.longestList.contains(limit) else {
                throw APIError(
                    400, "invalid_field",
                    "limit is out of range: write \(Self.longestList.lowerBound) to \(Self.longestList.upperBound).",
                    field: "limit")
            }
            filter.limit = limit
        }
        let asked = filter
        let records = try await stored { () throws(StoreError) in try await store.sessions(asked) }
        return try Answer.json(SessionDocuments(sessions: records.map { SessionDocument($0, journal: nil, late: []) }))
    }

    /// One state, or several with commas between them.
    private func states(_ text: String) throws -> Set<SessionState> {
        let names = text.split(separator: ",")
        let states = Set(names.compactMap { SessionState(rawValue: String($0)) })
        guard !states.isEmpty, states.count == Set(names).count else {
            let known = SessionState.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError(400, "invalid_field", "state is unknown: write one or more of \(known).", field: "state")
        }
        return states
    }
}

extension SessionDocument {
    /// `journal` nil: a line of a list, without turns, with the cost that the row knows. `late` turns stand where they
    /// would have been, marked.
    init(_ record: SessionRecord, journal: [JournalRecord]?, late: [JournalRecord]) {
        self.init(
            id: record.id, study: record.study, participant: record.participant, state: record.state,
            reason: record.completionReason, detail: record.completionDetail, createdAt: record.createdAt.rfc3339,
            expiresAt: record.expiresAt.rfc3339, startedAt: record.startedAt?.rfc3339,
            disconnectedAt: record.disconnectedAt?.rfc3339, rejoinUntil: record.rejoinUntil?.rfc3339,
            endedAt: record.endedAt?.rfc3339, activeMilliseconds: record.activeMilliseconds,
            costMicros: record.costMicros, turns: nil)
        guard let journal else { return }
        var charged: [String: Int64] = [:]
        var turns: [TurnDocument] = []
        let lines = journal.map { ($0, false) } + late.map { ($0, true) }
        for (line, isLate) in lines.sorted(by: { ($0.0.epoch, $0.0.sequence) < ($1.0.epoch, $1.0.sequence) }) {
            switch line.entry {
            case .turn(let turn): turns.append(TurnDocument(turn, late: isLate))
            // A response is paid for once, whoever wrote it down.
            case .usage(let usage): charged["\(usage.provider)/\(usage.response)"] = usage.micros
            case .phase, .end, .note: break
            }
        }
        self.turns = turns
        if !charged.isEmpty { costMicros = charged.values.reduce(0, &+) }
    }
}
