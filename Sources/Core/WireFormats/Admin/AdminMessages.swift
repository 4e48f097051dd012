import InterviewCore

// The bodies of the admin socket beside the reports of `InterviewCore`. JSON keys are part of the contract: an old
// `voicectl` meets a new daemon in every deploy, so readers ignore what they do not know.

/// The paths, as `voicectl` asks for them and the surface serves them.
package enum AdminPath {
    package static let status = "/v1/status"
    package static let sessions = "/v1/sessions"
    package static let stuck = "/v1/stuck"
    package static let fleet = "/v1/fleet"
    package static let drain = "/v1/drain"
    package static let reload = "/v1/reload"
    package static let cost = "/v1/cost"
    package static func session(_ id: SessionID) -> String { "\(sessions)/\(id)" }
    package static func cost(_ id: SessionID) -> String { "\(sessions)/\(id)/cost" }
    package static func close(_ id: SessionID) -> String { "\(sessions)/\(id)/close" }
}

/// Answer of `GET /v1/sessions`.
package struct SessionList: Hashable, Sendable, Codable {
    package var sessions: [SessionSummary]
    package init(sessions: [SessionSummary]) { self.sessions = sessions }
}

/// Answer of `GET /v1/cost`: the sessions that this process runs. Those that are over are in the store.
package struct CostList: Hashable, Sendable, Codable {
    package var sessions: [SessionCost]
    package init(sessions: [SessionCost]) { self.sessions = sessions }
}

/// Body of a request that says nothing.
package struct EmptyRequest: Hashable, Sendable, Codable {
    package init() {}
}

/// Body of `POST /v1/sessions/{id}/close`; the body may also be missing.
package struct CloseRequest: Hashable, Sendable, Codable {
    /// One word or sentence of the operator for the session's row, at most `longestDetail` bytes.
    package var detail: String?
    package static let longestDetail = 200

    package init(detail: String? = nil) { self.detail = detail }
}

/// Answer of a close that did something: `closed` 200, `requested` 202 (another process runs it and has been told). The other outcomes are errors: `already_ended` 409, `unknown_session` 404.
package struct CloseAnswer: Hashable, Sendable, Codable {
    package var session: SessionID
    package var outcome: CloseOutcome

    package init(session: SessionID, outcome: CloseOutcome) {
        self.session = session
        self.outcome = outcome
    }
}

/// Body of `POST /v1/drain`; the body may also be missing.
package struct DrainRequest: Hashable, Sendable, Codable {
    /// Seconds until what is left is force-closed, 0 to `longestTimeout`; nil: `drain.timeout`.
    package var timeoutSeconds: Int?
    package static let longestTimeout = 86_400

    package init(timeoutSeconds: Int? = nil) { self.timeoutSeconds = timeoutSeconds }

    enum CodingKeys: String, CodingKey { case timeoutSeconds = "timeout_s" }
}
