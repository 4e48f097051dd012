import InterviewCore

/// Body of `POST /v1/sessions`.
package struct CreateSessionRequest: Decodable, Hashable, Sendable {
    /// Bytes of the researcher's own name for the participant.
    package static let longestParticipant = 128
    /// From a minute to 30 days.
    package static let expiresInSeconds: ClosedRange<Int64> = 60...2_592_000

    package var study: StudyID?
    package var participant: String?
    package var expiresInSeconds: Int64?
    /// What is wrong with it, in the order of the fields; empty when it may be used.
    package var problems: [FieldProblem]

    /// Throws only when the body is no object at all.
    package init(from decoder: any Decoder) throws {
        var reader = FieldReader(
            try decoder.container(keyedBy: FieldReader.AnyKey.self), known: ["study", "participant", "expires_in_s"])
        let remedy = "write the id of a study, for example demo; GET /v1/studies lists them"
        if !reader.has("study") {
            reader.complain("study", "is missing", remedy)
        } else if let text = reader.text("study", limit: Identifier.longest, remedy: remedy) {
            study = StudyID(text)
            if study == nil { reader.complain("study", "is no identifier", remedy) }
        }
        participant = reader.text(
            "participant", limit: Self.longestParticipant,
            remedy: "write your own pseudonym for the participant, for example p-17, or leave it out")
        if let participant, participant.isEmpty || participant.unicodeScalars.contains(where: { $0.value < 32 }) {
            reader.complain("participant", "is empty or holds control characters", "write a pseudonym, or leave it out")
        }
        expiresInSeconds = reader.integer("expires_in_s", in: Self.expiresInSeconds)
        problems = reader.problems
    }
}

/// Answer of `POST /v1/sessions`.
package struct CreateSessionAnswer: Codable, Hashable, Sendable {
    package var id: SessionID
    /// Join token; also in the fragment of `joinURL`.
    package var token: String
    /// What the participant opens.
    package var joinURL: String
    /// `ws(s)://host[:port]`; clients append `/v1/sessions/{id}/media`.
    package var mediaURL: String
    /// RFC 3339; nobody joined until then: `no_show`.
    package var expiresAt: String

    package init(id: SessionID, token: String, joinURL: String, mediaURL: String, expiresAt: String) {
        self.id = id
        self.token = token
        self.joinURL = joinURL
        self.mediaURL = mediaURL
        self.expiresAt = expiresAt
    }

    enum CodingKeys: String, CodingKey {
        case id, token
        case joinURL = "join_url"
        case mediaURL = "media_url"
        case expiresAt = "expires_at"
    }
}

/// One session as a researcher sees it. Times are RFC 3339 in UTC by the store's clock.
package struct SessionDocument: Codable, Hashable, Sendable {
    package var id: SessionID
    package var study: StudyID
    package var participant: String
    package var state: SessionState
    package var reason: CompletionReason?
    package var detail: String?
    package var createdAt: String
    package var expiresAt: String
    package var startedAt: String?
    package var disconnectedAt: String?
    package var rejoinUntil: String?
    package var endedAt: String?
    /// Active time of all owners, interruptions not counted.
    package var activeMilliseconds: Int64
    /// Micro-dollars by the journal's usage records.
    package var costMicros: Int64
    /// Nil in a list.
    package var turns: [TurnDocument]?

    package init(
        id: SessionID, study: StudyID, participant: String, state: SessionState, reason: CompletionReason?,
        detail: String?, createdAt: String, expiresAt: String, startedAt: String?, disconnectedAt: String?,
        rejoinUntil: String?, endedAt: String?, activeMilliseconds: Int64, costMicros: Int64, turns: [TurnDocument]?
    ) {
        self.id = id
        self.study = study
        self.participant = participant
        self.state = state
        self.reason = reason
        self.detail = detail
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.startedAt = startedAt
        self.disconnectedAt = disconnectedAt
        self.rejoinUntil = rejoinUntil
        self.endedAt = endedAt
        self.activeMilliseconds = activeMilliseconds
        self.costMicros = costMicros
        self.turns = turns
    }

    enum CodingKeys: String, CodingKey {
        case id, study, participant, state, reason, detail, turns
        case createdAt = "created_at"
        case expiresAt = "expires_at"
        case startedAt = "started_at"
        case disconnectedAt = "disconnected_at"
        case rejoinUntil = "rejoin_until"
        case endedAt = "ended_at"
        case activeMilliseconds = "active_ms"
        case costMicros = "cost_micros"
    }
}

/// One turn of a transcript.
package struct TurnDocument: Codable, Hashable, Sendable {
    package var speaker: Speaker
    /// Nil: the provider gave none.
    package var text: String?
    /// Milliseconds since the conversation began.
    package var startMilliseconds: Int64
    package var endMilliseconds: Int64
    /// Set when the agent was interrupted: what the participant really heard of it.
    package var heardMilliseconds: Int64?
    /// True of a turn that its owner could not write down before another process had taken the conversation over: it was
    /// said, but what follows knows nothing of it. Absent otherwise.
    package var late: Bool?

    package init(_ turn: Turn, late: Bool = false) {
        speaker = turn.speaker
        text = turn.text
        startMilliseconds = turn.startMilliseconds
        endMilliseconds = turn.endMilliseconds
        heardMilliseconds = turn.heardMilliseconds
        self.late = late ? true : nil
    }

    enum CodingKeys: String, CodingKey {
        case speaker, text, late
        case startMilliseconds = "start_ms"
        case endMilliseconds = "end_ms"
        case heardMilliseconds = "heard_ms"
    }
}

/// Answer of `GET /v1/sessions`.
package struct SessionDocuments: Codable, Hashable, Sendable {
    package var sessions: [SessionDocument]
    package init(sessions: [SessionDocument]) { self.sessions = sessions }
}

/// Answer of `GET /v1/studies`.
package struct StudyList: Codable, Hashable, Sendable {
    package var studies: [Study]
    package init(studies: [Study]) { self.studies = studies }
}

/// Answer of `GET /v1/studies/{id}/budget`, in micro-dollars. A new session needs
/// `spent + debt + reserved + 1_000_000 ≤ cap`.
package struct StudyBudgetDocument: Codable, Hashable, Sendable {
    package var study: StudyID
    /// Nil: no cap.
    package var capMicros: Int64?
    /// Used within what had been reserved.
    package var spentMicros: Int64
    /// Set aside for sessions that have not ended.
    package var reservedMicros: Int64
    /// Used beyond what had been reserved: a last answer, an outage of the store.
    package var debtMicros: Int64

    package init(study: StudyID, capMicros: Int64?, spentMicros: Int64, reservedMicros: Int64, debtMicros: Int64) {
        self.study = study
        self.capMicros = capMicros
        self.spentMicros = spentMicros
        self.reservedMicros = reservedMicros
        self.debtMicros = debtMicros
    }

    enum CodingKeys: String, CodingKey {
        case study
        case capMicros = "cap_micros"
        case spentMicros = "spent_micros"
        case reservedMicros = "reserved_micros"
        case debtMicros = "debt_micros"
    }
}

/// Answer of `GET /v1/join/{id}`: what the page needs before the microphone check.
package struct JoinDocument: Codable, Hashable, Sendable {
    package var session: SessionID
    package var mediaURL: String
    package var studyName: String
    package var language: String
    package var state: SessionState

    package init(session: SessionID, mediaURL: String, studyName: String, language: String, state: SessionState) {
        self.session = session
        self.mediaURL = mediaURL
        self.studyName = studyName
        self.language = language
        self.state = state
    }

    enum CodingKeys: String, CodingKey {
        case session, language, state
        case mediaURL = "media_url"
        case studyName = "study_name"
    }
}
