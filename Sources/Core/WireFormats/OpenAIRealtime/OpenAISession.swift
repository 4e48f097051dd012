/// The configuration that `session.update` carries (GA shape). Everything is sent every time, so that the effective
/// session never depends on the vendor's defaults.
package struct OpenAISession: Sendable, Hashable {
    package var instructions: String
    package var inputFormat: OpenAIAudioFormat
    package var outputFormat: OpenAIAudioFormat
    package var noiseReduction: OpenAINoiseReduction?
    package var transcription: OpenAITranscription?
    package var turnDetection: OpenAITurnDetection?
    /// Cannot change any more once sound was sent out.
    package var voice: String
    package var tools: [OpenAITool]
    package var toolChoice: OpenAIToolChoice
    /// 1 to 4,096, tool calls included; nil: no limit of ours.
    package var maxOutputTokens: Int?
    package var truncation: OpenAITruncation

    package init(
        instructions: String, inputFormat: OpenAIAudioFormat = .pcm24k, outputFormat: OpenAIAudioFormat = .pcm24k,
        noiseReduction: OpenAINoiseReduction? = nil, transcription: OpenAITranscription? = nil,
        turnDetection: OpenAITurnDetection? = .server(OpenAITurnDetection.Server()), voice: String,
        tools: [OpenAITool] = [], toolChoice: OpenAIToolChoice = .auto, maxOutputTokens: Int? = nil,
        truncation: OpenAITruncation = .auto
    ) {
        self.instructions = instructions
        self.inputFormat = inputFormat
        self.outputFormat = outputFormat
        self.noiseReduction = noiseReduction
        self.transcription = transcription
        self.turnDetection = turnDetection
        self.voice = voice
        self.tools = tools
        self.toolChoice = toolChoice
        self.maxOutputTokens = maxOutputTokens
        self.truncation = truncation
    }
}

package enum OpenAIAudioFormat: String, Sendable, Hashable {
    /// s16le, mono, 24,000 Hz.
    case pcm24k = "audio/pcm"
    /// G.711 at 8,000 Hz.
    case pcmu = "audio/pcmu"
    case pcma = "audio/pcma"
}

package enum OpenAINoiseReduction: String, Sendable, Hashable, CaseIterable {
    case nearField = "near_field"
    case farField = "far_field"
}

package struct OpenAITranscription: Sendable, Hashable {
    package var model: String
    /// ISO 639-1; nil: detected.
    package var language: String?

    package init(model: String, language: String? = nil) {
        self.model = model
        self.language = language
    }
}

package enum OpenAITurnDetection: Sendable, Hashable {
    case server(Server)
    case semantic(Semantic)

    /// `server_vad`: by energy and silence.
    package struct Server: Sendable, Hashable {
        /// 0 to 1.
        package var threshold: Double
        package var prefixMilliseconds: Int
        package var silenceMilliseconds: Int
        /// Answer by itself after each turn.
        package var createResponse: Bool
        /// Stop the running answer when speech starts.
        package var interruptResponse: Bool

        package init(
            threshold: Double = 0.5, prefixMilliseconds: Int = 300, silenceMilliseconds: Int = 500,
            createResponse: Bool = true, interruptResponse: Bool = true
        ) {
            self.threshold = threshold
            self.prefixMilliseconds = prefixMilliseconds
            self.silenceMilliseconds = silenceMilliseconds
            self.createResponse = createResponse
            self.interruptResponse = interruptResponse
        }
    }

    /// `semantic_vad`: a model decides whether the speaker has finished.
    package struct Semantic: Sendable, Hashable {
        package var eagerness: Eagerness
        package var createResponse: Bool
        package var interruptResponse: Bool

        /// Waits at most 8, 4 and 2 s; `auto` is the vendor's medium.
        package enum Eagerness: String, Sendable, Hashable, CaseIterable { case low, medium, high, auto }

        package init(eagerness: Eagerness = .auto, createResponse: Bool = true, interruptResponse: Bool = true) {
            self.eagerness = eagerness
            self.createResponse = createResponse
            self.interruptResponse = interruptResponse
        }
    }
}

package struct OpenAITool: Sendable, Hashable {
    package var name: String
    package var description: String
    /// JSON schema as JSON text: a whole object, checked by `OpenAITool.isObject` before it is sent.
    package var parameters: String

    package init(name: String, description: String, parameters: String) {
        self.name = name
        self.description = description
        self.parameters = parameters
    }
}

package enum OpenAIToolChoice: Sendable, Hashable {
    case auto
    case none
    case required
    case function(String)
}

/// What falls out of the context when it is full.
package enum OpenAITruncation: Sendable, Hashable {
    /// The oldest messages, few at a time: costs the prompt cache at every turn from then on.
    case auto
    case disabled
    /// Keeps this share (0 to 1): more at once, less often. `postInstructions`: tokens that the conversation may fill.
    case retention(ratio: Double, postInstructions: Int?)
}
