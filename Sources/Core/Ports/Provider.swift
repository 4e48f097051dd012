import InterviewCore

/// Opens conversations with one speech-to-speech provider.
package protocol ProviderFactory: Sendable {
    /// The `provider` label of metrics and journal: `openai`, `gemini`.
    var name: String { get }
    /// The model whose prices apply.
    var model: String { get }
    /// The model that transcribes the participant, billed apart; nil: the provider's own transcript costs nothing.
    var transcriptionModel: String? { get }
    /// Hz of the PCM that goes in and comes out (s16le mono): 24,000 for OpenAI, 16,000 in for Gemini.
    var inputRate: Int { get }
    var outputRate: Int { get }

    /// Starts connecting at once. Called on `loop`; all events arrive on `loop`. Never throws: what goes wrong,
    /// also at once, arrives later as `ProviderEvent.failed`.
    func open(on loop: any SessionLoop, setup: ProviderSetup, events: any ProviderEvents) -> any ProviderConnection

    /// From now on keeps as many connections ready as it was configured to, for `open` to take. Any thread.
    func startPrewarming()
    /// Lets go of those that are ready and keeps none any more. Any thread; once is for good.
    func stopPrewarming()
    /// What became of connections that were kept ready. Any thread.
    var prewarmed: PrewarmReport { get }
}

extension ProviderFactory {
    package func startPrewarming() {}
    package func stopPrewarming() {}
    package var prewarmed: PrewarmReport { PrewarmReport() }
}

/// Connections that were opened before anybody needed them, since the process began.
package struct PrewarmReport: Sendable, Hashable {
    /// Ready at this moment.
    package var ready: Int
    /// Given to a session.
    package var taken: Int
    /// Closed unused because of their age.
    package var aged: Int
    /// Died before anybody needed them, could not be opened, or were given to a session and of no use to it.
    package var failed: Int

    package init(ready: Int = 0, taken: Int = 0, aged: Int = 0, failed: Int = 0) {
        self.ready = ready
        self.taken = taken
        self.aged = aged
        self.failed = failed
    }
}

/// What a session asks of the provider before the first sound.
package struct ProviderSetup: Sendable, Equatable {
    package var instructions: String
    /// BCP 47.
    package var language: String
    /// Nil: the configured default.
    package var voice: String?
    package var tools: [ToolDefinition]
    /// Nil: the provider's own limit. OpenAI: 1 to 4,096.
    package var maxOutputTokens: Int?
    /// The conversation so far, oldest first; empty for a new one. Sent before `ready` is reported.
    package var context: [ContextItem]

    package init(
        instructions: String, language: String, voice: String? = nil, tools: [ToolDefinition] = [],
        maxOutputTokens: Int? = nil, context: [ContextItem] = []
    ) {
        self.instructions = instructions
        self.language = language
        self.voice = voice
        self.tools = tools
        self.maxOutputTokens = maxOutputTokens
        self.context = context
    }
}

package struct ToolDefinition: Sendable, Equatable {
    package var name: String
    package var description: String
    /// JSON schema of the arguments, as JSON text.
    package var parameters: String

    package init(name: String, description: String, parameters: String) {
        self.name = name
        self.description = description
        self.parameters = parameters
    }
}

package enum ContextItem: Sendable, Equatable {
    case system(String)
    case participant(String)
    case agent(String)
}

/// One conversation with a provider. Everything here is called on the session's loop. After `close()` no event comes
/// any more: late ones of a replaced connection are dropped here.
package protocol ProviderConnection: AnyObject, Sendable {
    /// Mono samples at `inputRate`. Before `ready` they are dropped and counted in the return value (false).
    @discardableResult
    func appendAudio(_ samples: UnsafeBufferPointer<Int16>) -> Bool
    /// Asks the model to speak now; `instructions` for this answer only.
    func requestAnswer(instructions: String?)
    /// Stops a running answer. None running is no error.
    func cancelAnswer()
    /// The participant heard only `heard` of `item`. Zero deletes the item.
    func truncate(item: String, heard: Duration)
    /// Answers a tool call. `thenSpeak`: ask for an answer afterwards.
    func answerTool(call: String, output: String, thenSpeak: Bool)
    /// Asks the line for a sign of life: without any within `time` it is `failed(.network)`.
    func ping(within time: Duration)
    func close()
}

/// What a session hears of its provider. Called on the session's loop, never from within a call of the session.
package protocol ProviderEvents: AnyObject, Sendable {
    func provider(_ connection: any ProviderConnection, did event: ProviderEvent)
    /// Agent speech at `outputRate`; `samples` is valid during the call only.
    func provider(
        _ connection: any ProviderConnection, spoke samples: UnsafeBufferPointer<Int16>, item: String, response: String)
}

package enum ProviderEvent: Sendable, Equatable {
    /// The configuration (and the context) has been accepted; audio may flow.
    case ready
    /// The provider's VAD. Positions in milliseconds of the audio that this connection was given.
    case speechStarted(item: String, audioStartMilliseconds: Int)
    case speechStopped(item: String, audioEndMilliseconds: Int)
    /// The participant's turn `item` is in the conversation; an answer follows by itself.
    case inputCommitted(item: String)
    /// Whole text so far.
    case participantTranscript(item: String, text: String, final: Bool)
    case participantTranscriptFailed(item: String, code: String)
    /// Billed apart from the answer.
    case transcriptionUsage(item: String, Usage)
    case answerStarted(response: String)
    /// The agent's item exists; its audio follows.
    case agentItemStarted(item: String, response: String)
    /// Whole text so far.
    case agentTranscript(item: String, text: String, final: Bool)
    /// No more audio for `item`.
    case agentAudioFinished(item: String)
    case toolCalled(call: String, name: String, arguments: String, response: String)
    case answerFinished(response: String, outcome: AnswerOutcome, usage: Usage?)
    case truncated(item: String)
    /// An error event that leaves the conversation usable; `code` is the vendor's.
    case complained(code: String)
    /// The provider will end this connection by itself, or it is so old that this is to be expected.
    case goingAway(within: Duration)
    /// The connection is of no more use. The last event.
    case failed(ProviderFailure)
}

package enum AnswerOutcome: Sendable, Equatable {
    case completed
    /// By barge-in or by us.
    case cancelled
    /// `max_output_tokens`, `content_filter`.
    case incomplete(reason: String)
    case failed(ProviderFailure)
}

package struct ProviderFailure: Error, Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case auth
        case quota
        case rateLimit = "rate_limit"
        case network
        case `protocol`
        case expired
        case server
    }
    package var kind: Kind
    /// The vendor's code, a close code or a POSIX name; never text that people wrote.
    package var code: String

    package init(kind: Kind, code: String) {
        self.kind = kind
        self.code = code
    }
}
