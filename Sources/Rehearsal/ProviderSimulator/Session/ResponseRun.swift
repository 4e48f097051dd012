import NIOCore

/// One response on its way: what is still to be said, what has been, and its pace.
final class ResponseRun {
    enum Part {
        case speech(text: String)
        case writing(text: String)
        case call(Script.ToolCall)
    }
    /// The message that is being spoken.
    struct Speech {
        var item: String
        var outputIndex: Int
        var phrase: Phrase
        /// Deltas of the phrase that may be sent: fewer than all where a token limit or the script cuts it.
        var lastDelta: Int
        var nextDelta = 0
        var nextWord = 0
        var sentBytes = 0
        var began: NIODeadline
        var file: SoundFile?

        var sentMilliseconds: Int { sentBytes / phrase.format.bytesPerMillisecond }
        var transcript: String { phrase.words.prefix(nextWord).map(\.text).joined() }
    }
    /// How the response ends.
    enum Outcome {
        case completed
        case cancelled(reason: String)
        case incomplete(reason: String)
        case failed(type: String, code: String, message: String)

        var status: String {
            switch self {
            case .completed: "completed"
            case .cancelled: "cancelled"
            case .incomplete: "incomplete"
            case .failed: "failed"
            }
        }
        /// `status_details`
        var details: JSON {
            switch self {
            case .completed: return .null
            case .cancelled(let reason), .incomplete(let reason):
                return ["type": .string(status), "reason": .string(reason)]
            case .failed(let type, let code, let message):
                return [
                    "type": "failed",
                    "error": ["type": .string(type), "code": .string(code), "message": .string(message)],
                ]
            }
        }
    }

    let id: String
    let settings: ResponseSettings
    let prompt: UsageMeter.Prompt
    var parts: [Part]
    var ending: Script.Ending
    /// Set when a part was cut short.
    var cut: Outcome?
    var outputs: [ConversationItem] = []
    var speech: Speech?
    var output = TokenCount()
    /// What of the last message was still to be played when it ended.
    var unplayed = Duration.zero
    var timer: Scheduled<Void>?
    /// No step is taken after this.
    var isOver = false
    /// The socket is full: the next step waits for it.
    var isPaused = false

    init(id: String, settings: ResponseSettings, prompt: UsageMeter.Prompt, parts: [Part], ending: Script.Ending) {
        self.id = id
        self.settings = settings
        self.prompt = prompt
        self.parts = parts
        self.ending = ending
    }

    /// The `response` object as it stands.
    func json(status: String, details: JSON = .null, usage: JSON = .null, conversation: String) -> JSON {
        [
            "object": "realtime.response", "id": .string(id), "status": .string(status), "status_details": details,
            "output": .array(outputs.map { $0.json() }),
            "conversation_id": settings.isInConversation ? .string(conversation) : .null,
            "output_modalities": settings.speaksAloud ? ["audio"] : ["text"],
            "max_output_tokens": settings.maximumTokens.map { .integer($0) } ?? "inf",
            "audio": ["output": ["format": settings.format.json, "voice": settings.voice]], "usage": usage,
            "metadata": settings.metadata,
        ]
    }
}
