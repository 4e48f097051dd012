/// What a researcher asks for: who speaks, in which language, within which limits.
package struct Study: Hashable, Sendable, Codable {
    package var id: StudyID
    package var name: String
    /// BCP 47, for example `en` or `pt-BR`.
    package var language: String
    /// The model's instructions. Never in logs, metrics or error strings.
    package var instructions: String
    /// What the agent is asked to say first; empty: the instructions alone decide.
    package var greeting: String
    /// The provider's name for the voice; nil: the provider's configured default.
    package var voice: String?
    package var limits: SessionLimits
    /// Micro-dollars that all its sessions together may cost; nil: no cap.
    package var budgetMicros: Int64?

    package init(
        id: StudyID, name: String, language: String, instructions: String, greeting: String, voice: String? = nil,
        limits: SessionLimits = SessionLimits(), budgetMicros: Int64? = nil
    ) {
        self.id = id
        self.name = name
        self.language = language
        self.instructions = instructions
        self.greeting = greeting
        self.voice = voice
        self.limits = limits
        self.budgetMicros = budgetMicros
    }

    enum CodingKeys: String, CodingKey {
        case id, name, language, instructions, greeting, voice, limits
        case budgetMicros = "budget_micros"
    }
}

/// The limits a study may set for its sessions; nil means what the configuration says.
package struct SessionLimits: Hashable, Sendable, Codable {
    /// Seconds without participant speech until the end.
    package var idleSeconds: Int?
    /// Seconds of active time, over all owners.
    package var hardLimitSeconds: Int?
    /// Seconds a participant may stay away before the session ends.
    package var rejoinSeconds: Int?
    /// Micro-dollars one session may cost.
    package var budgetMicros: Int64?

    package init(
        idleSeconds: Int? = nil, hardLimitSeconds: Int? = nil, rejoinSeconds: Int? = nil, budgetMicros: Int64? = nil
    ) {
        self.idleSeconds = idleSeconds
        self.hardLimitSeconds = hardLimitSeconds
        self.rejoinSeconds = rejoinSeconds
        self.budgetMicros = budgetMicros
    }

    enum CodingKeys: String, CodingKey {
        case idleSeconds = "idle_seconds"
        case hardLimitSeconds = "hard_limit_seconds"
        case rejoinSeconds = "rejoin_seconds"
        case budgetMicros = "budget_micros"
    }
}
