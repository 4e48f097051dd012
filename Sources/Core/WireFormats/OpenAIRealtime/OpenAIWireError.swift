/// Why a message of the provider cannot be used. Never carries any of the message.
package enum OpenAIWireError: Error, Sendable, Hashable {
    /// No JSON object.
    case json(JSONError)
    /// An object without a `type` string.
    case untyped
    /// A known event whose fields are missing or of another kind; `type` is the event's.
    case badBody(type: String)
    /// Sound that is no base64, or more of it than `PCMDeltas.maxBytes`.
    case badAudio
}
