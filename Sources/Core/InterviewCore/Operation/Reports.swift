// What `voicectl`, `/health` and `/readyz` show. JSON keys are part of the contract; unknown keys are ignored by readers.

/// Body of `/health` and `/readyz`.
package struct HealthReport: Hashable, Sendable, Codable {
    /// `starting`, `healthy`, `degraded` (reasons), `draining`.
    package var status: String
    package var activeSessions: Int
    package var acceptingNew: Bool
    package var draining: Bool
    package var capacity: Int
    /// Why no new session is accepted: `starting`, `draining`, `store_unavailable`, `full`, `loop_lag`, `memory` …
    package var reasons: [String]

    package init(
        status: String, activeSessions: Int, acceptingNew: Bool, draining: Bool, capacity: Int, reasons: [String]
    ) {
        self.status = status
        self.activeSessions = activeSessions
        self.acceptingNew = acceptingNew
        self.draining = draining
        self.capacity = capacity
        self.reasons = reasons
    }

    enum CodingKeys: String, CodingKey {
        case status, draining, capacity, reasons
        case activeSessions = "active_sessions"
        case acceptingNew = "accepting_new"
    }
}

/// `voicectl status`.
package struct StatusReport: Hashable, Sendable, Codable {
    package var instance: String
    package var build: String
    package var uptimeSeconds: Int
    package var loops: Int
    package var health: HealthReport
    /// `sessions` by their finer state in memory.
    package var sessionsByState: [String: Int]

    package init(
        instance: String, build: String, uptimeSeconds: Int, loops: Int, health: HealthReport,
        sessionsByState: [String: Int]
    ) {
        self.instance = instance
        self.build = build
        self.uptimeSeconds = uptimeSeconds
        self.loops = loops
        self.health = health
        self.sessionsByState = sessionsByState
    }

    enum CodingKeys: String, CodingKey {
        case instance, build, loops, health
        case uptimeSeconds = "uptime_s"
        case sessionsByState = "sessions_by_state"
    }
}

/// A line of `voicectl sessions`.
package struct SessionSummary: Hashable, Sendable, Codable {
    package var id: SessionID
    package var study: StudyID
    /// The finer state in memory: `connecting`, `live`, `suspended`, `wrapping_up`, `closing`.
    package var state: String
    package var loop: Int
    package var provider: String
    package var language: String
    package var connected: Bool
    package var activeSeconds: Int
    package var turns: Int
    package var costMicros: Int64

    package init(
        id: SessionID, study: StudyID, state: String, loop: Int, provider: String, language: String, connected: Bool,
        activeSeconds: Int, turns: Int, costMicros: Int64
    ) {
        self.id = id
        self.study = study
        self.state = state
        self.loop = loop
        self.provider = provider
        self.language = language
        self.connected = connected
        self.activeSeconds = activeSeconds
        self.turns = turns
        self.costMicros = costMicros
    }

    enum CodingKeys: String, CodingKey {
        case id, study, state, loop, provider, language, connected, turns
        case activeSeconds = "active_s"
        case costMicros = "cost_micros"
    }
}

/// `voicectl show ID`.
package struct SessionDetail: Hashable, Sendable, Codable {
    package var summary: SessionSummary
    package var epoch: Int64
    package var client: String?
    /// Milliseconds until the hard limit.
    package var endsInMilliseconds: Int
    /// Frames and packets since the session began on this process, and what the client last reported.
    package var counters: [String: Int]
    /// Milliseconds from the provider's `speech_stopped` to the answer's first frame, newest last, at most 20.
    package var turnLatenciesMilliseconds: [Int]
    /// What happened and what the client reported, newest last, at most 260; no speech.
    package var timeline: [TimelineEntry]

    package init(
        summary: SessionSummary, epoch: Int64, client: String?, endsInMilliseconds: Int, counters: [String: Int],
        turnLatenciesMilliseconds: [Int], timeline: [TimelineEntry]
    ) {
        self.summary = summary
        self.epoch = epoch
        self.client = client
        self.endsInMilliseconds = endsInMilliseconds
        self.counters = counters
        self.turnLatenciesMilliseconds = turnLatenciesMilliseconds
        self.timeline = timeline
    }

    enum CodingKeys: String, CodingKey {
        case summary, epoch, client, counters, timeline
        case endsInMilliseconds = "ends_in_ms"
        case turnLatenciesMilliseconds = "turn_latencies_ms"
    }
}

package struct TimelineEntry: Hashable, Sendable, Codable {
    /// Since the session began on this process.
    package var atMilliseconds: Int
    package var what: String

    package init(atMilliseconds: Int, what: String) {
        self.atMilliseconds = atMilliseconds
        self.what = what
    }

    enum CodingKeys: String, CodingKey {
        case what
        case atMilliseconds = "at_ms"
    }
}

/// Answer of `voicectl close`.
package enum CloseOutcome: String, Hashable, Sendable, Codable {
    case closed
    /// Another process runs it and has been told to close it.
    case requested
    case alreadyEnded = "already_ended"
    case unknown
}

/// Answer of `voicectl drain`.
package struct DrainReport: Hashable, Sendable, Codable {
    package var draining: Bool
    package var sessionsRemaining: Int
    package var deadlineInMilliseconds: Int

    package init(draining: Bool, sessionsRemaining: Int, deadlineInMilliseconds: Int) {
        self.draining = draining
        self.sessionsRemaining = sessionsRemaining
        self.deadlineInMilliseconds = deadlineInMilliseconds
    }

    enum CodingKeys: String, CodingKey {
        case draining
        case sessionsRemaining = "sessions_remaining"
        case deadlineInMilliseconds = "deadline_in_ms"
    }
}

/// Answer of `voicectl reload`: what became of a configuration that was read again.
package struct ReloadReport: Hashable, Sendable, Codable {
    package enum Outcome: String, Hashable, Sendable, Codable {
        /// In force, as far as it can be without a restart.
        case applied
        /// Nothing is different.
        case unchanged
        /// Mistakes: the old configuration stays in force, whole.
        case refused
    }
    package var outcome: Outcome
    /// Keys whose new value counts from now on.
    package var applied: [String]
    /// Keys whose new value waits for a restart.
    package var needsRestart: [String]
    /// Every mistake, each with key, problem and remedy; no secret.
    package var problems: [String]

    package init(
        outcome: Outcome, applied: [String] = [], needsRestart: [String] = [], problems: [String] = []
    ) {
        self.outcome = outcome
        self.applied = applied
        self.needsRestart = needsRestart
        self.problems = problems
    }

    enum CodingKeys: String, CodingKey {
        case outcome, applied, problems
        case needsRestart = "needs_restart"
    }
}
