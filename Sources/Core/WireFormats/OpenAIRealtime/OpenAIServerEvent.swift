import InterviewCore

/// What the server says (OpenAI Realtime, GA), as far as a conversation needs it. Fields that nobody reads are not
/// kept; people's words appear only where they are the point (transcripts, arguments).
package enum OpenAIServerEvent: Sendable, Hashable {
    case error(OpenAIErrorBody)
    case sessionCreated(OpenAISessionState)
    case sessionUpdated(OpenAISessionState)

    /// Also for `conversation.item.created`, the beta's name, which is still in the vendor's union.
    case itemAdded(OpenAIServerItem)
    case itemDone(OpenAIServerItem)
    case itemTruncated(item: String, audioEndMilliseconds: Int)
    case itemDeleted(item: String)

    case transcriptionDelta(item: String, delta: String)
    case transcriptionCompleted(item: String, transcript: String, usage: Usage?)
    case transcriptionFailed(item: String, OpenAIErrorBody)

    case inputCommitted(item: String)
    /// Milliseconds since the first sound of the session, prefix padding subtracted.
    case speechStarted(item: String, audioStartMilliseconds: Int)
    case speechStopped(item: String, audioEndMilliseconds: Int)
    case inputTimeout(item: String, audioStartMilliseconds: Int, audioEndMilliseconds: Int)

    case responseCreated(OpenAIResponse)
    case responseDone(OpenAIResponse)
    case outputItemAdded(response: String, OpenAIServerItem)
    case outputItemDone(response: String, OpenAIServerItem)

    /// The hot one: its sound still lies in the message.
    case audioDelta(OpenAIAudioDelta)
    case audioDone(response: String, item: String)
    case audioTranscriptDelta(response: String, item: String, delta: String)
    case audioTranscriptDone(response: String, item: String, transcript: String)
    case textDelta(response: String, item: String, delta: String)
    case textDone(response: String, item: String, text: String)
    /// Also sent when the answer was interrupted, then with whatever had come of the arguments. `name` may be empty on
    /// older servers; the item has it.
    case functionCallDone(response: String, item: String, call: String, name: String, arguments: String)

    case rateLimits([OpenAIRateLimit])

    /// Known, and nothing that a conversation needs.
    case unused(type: String)
    /// Not known; to be counted. Cut to 64 bytes.
    case unknown(type: String)
}

/// Where the parts of an audio delta lie in its message.
package struct OpenAIAudioDelta: Sendable, Hashable {
    package var response: Range<Int>
    package var item: Range<Int>
    /// Base64.
    package var sound: Range<Int>
}

/// An error as events carry it. Its `message` is left on the wire: it may quote what people said.
package struct OpenAIErrorBody: Sendable, Hashable {
    /// For example `invalid_request_error`.
    package var type: String?
    /// For example `item_truncate_invalid_item_id`.
    package var code: String?
    /// The field that was wrong.
    package var param: String?
    /// Our `event_id` that caused it.
    package var event: String?

    package init(type: String? = nil, code: String? = nil, param: String? = nil, event: String? = nil) {
        self.type = type
        self.code = code
        self.param = param
        self.event = event
    }
}

package struct OpenAISessionState: Sendable, Hashable {
    package var id: String?
    package var model: String?
    /// Unix seconds at which the server will end the session.
    package var expiresAt: Int?

    package init(id: String? = nil, model: String? = nil, expiresAt: Int? = nil) {
        self.id = id
        self.model = model
        self.expiresAt = expiresAt
    }
}

package struct OpenAIServerItem: Sendable, Hashable {
    package var id: String
    /// `message`, `function_call`, `function_call_output`, …
    package var type: String
    /// `system`, `user`, `assistant`.
    package var role: String?
    /// `function_call`.
    package var name: String?
    package var call: String?

    package init(id: String, type: String, role: String? = nil, name: String? = nil, call: String? = nil) {
        self.id = id
        self.type = type
        self.role = role
        self.name = name
        self.call = call
    }
}

package struct OpenAIResponse: Sendable, Hashable {
    package enum Status: String, Sendable, Hashable {
        case inProgress = "in_progress"
        case completed
        case cancelled
        case incomplete
        case failed
    }
    package var id: String
    /// Nil: a word that we do not know.
    package var status: Status?
    /// `turn_detected`, `client_cancelled`, `max_output_tokens`, `content_filter`.
    package var reason: String?
    package var error: OpenAIErrorBody?
    package var usage: Usage?

    package init(
        id: String, status: Status?, reason: String? = nil, error: OpenAIErrorBody? = nil, usage: Usage? = nil
    ) {
        self.id = id
        self.status = status
        self.reason = reason
        self.error = error
        self.usage = usage
    }
}

package struct OpenAIRateLimit: Sendable, Hashable {
    /// `requests`, `tokens`.
    package var name: String
    package var limit: Int
    package var remaining: Int

    package init(name: String, limit: Int, remaining: Int) {
        self.name = name
        self.limit = limit
        self.remaining = remaining
    }
}
