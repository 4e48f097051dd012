import WireFormats

/// How this process talks to OpenAI Realtime, or to whatever speaks its protocol at `baseURL`.
package struct OpenAIRealtimeSettings: Sendable, Hashable {
    /// `ws://` or `wss://`, up to and without `/realtime`.
    package var baseURL: String
    package var model: String
    package var apiKey: APIKey
    package var organization: String?
    package var project: String?
    /// Nil: the participant is not transcribed by the provider.
    package var transcriptionModel: String?
    package var turnDetection: OpenAITurnDetection
    package var noiseReduction: OpenAINoiseReduction?
    /// For studies that name none.
    package var voice: String
    package var truncation: OpenAITruncation
    /// For one address, TLS and upgrade included.
    package var connectTimeout: Duration
    /// From `open` to `ready`, over all addresses.
    package var readyTimeout: Duration
    /// The vendor ends a session after this.
    package var sessionLimit: Duration
    /// When to announce that end, counted from the session's beginning.
    package var goingAwayAfter: Duration
    /// Up to this share earlier, by chance, so that sessions which began together are not reopened together.
    package var goingAwayJitter: Double
    /// Connections kept ready, over all loops together; 0: none.
    package var prewarmSize: Int
    /// An older one is replaced. Its age counts toward `sessionLimit`, since its session has begun.
    package var prewarmMaxAge: Duration

    package init(
        baseURL: String = "wss://api.openai.com/v1", model: String = "gpt-realtime-2.1", apiKey: APIKey,
        organization: String? = nil, project: String? = nil, transcriptionModel: String? = "gpt-transcribe",
        turnDetection: OpenAITurnDetection = .server(OpenAITurnDetection.Server()),
        noiseReduction: OpenAINoiseReduction? = nil, voice: String = "marin",
        truncation: OpenAITruncation = .retention(ratio: 0.8, postInstructions: nil),
        connectTimeout: Duration = .seconds(5), readyTimeout: Duration = .seconds(10),
        sessionLimit: Duration = .seconds(60 * 60), goingAwayAfter: Duration = .seconds(55 * 60),
        goingAwayJitter: Double = 0.1, prewarmSize: Int = 0, prewarmMaxAge: Duration = .seconds(10 * 60)
    ) {
        self.baseURL = baseURL
        self.model = model
        self.apiKey = apiKey
        self.organization = organization
        self.project = project
        self.transcriptionModel = transcriptionModel
        self.turnDetection = turnDetection
        self.noiseReduction = noiseReduction
        self.voice = voice
        self.truncation = truncation
        self.connectTimeout = connectTimeout
        self.readyTimeout = readyTimeout
        self.sessionLimit = sessionLimit
        self.goingAwayAfter = goingAwayAfter
        self.goingAwayJitter = goingAwayJitter
        self.prewarmSize = prewarmSize
        self.prewarmMaxAge = prewarmMaxAge
    }

    /// What the provider is told for one conversation. `turnDetection` may have changed since the start.
    package func session(for setup: SetupForOpenAI, turnDetection: OpenAITurnDetection) -> OpenAISession {
        OpenAISession(
            instructions: setup.instructions, noiseReduction: noiseReduction,
            transcription: transcriptionModel.map { OpenAITranscription(model: $0, language: setup.languageCode) },
            turnDetection: turnDetection, voice: setup.voice ?? voice, tools: setup.tools,
            maxOutputTokens: setup.maxOutputTokens, truncation: truncation)
    }
}

/// A secret: nothing that prints, interpolates, dumps or mirrors it shows it.
package struct APIKey: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    package init(_ text: String) { self.text = text }

    /// For the one header that carries it.
    var bearer: String { "Bearer " + text }
    /// Visible ASCII: nothing that could end a header.
    var isPlain: Bool { !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } }

    package var description: String { "(key)" }
    package var debugDescription: String { "(key)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// What is wrong with the settings. Names the setting, never its value.
package enum OpenAIRealtimeError: Error, Sendable, Hashable {
    /// Neither `ws://host…` nor `wss://host…`, or with a query, a fragment or credentials in it.
    case badBaseURL
    case badModel
    /// Empty, or with characters that a header cannot carry.
    case badKey
    case badOrganization
    case badProject
}
