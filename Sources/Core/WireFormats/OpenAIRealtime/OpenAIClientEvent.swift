/// What a client says. Sound goes out through `OpenAIAudioAppend`, which assembles its message in place.
package enum OpenAIClientEvent: Sendable, Hashable {
    case sessionUpdate(OpenAISession)
    case inputCommit
    case inputClear
    /// At the end of the conversation, or after `after` (`root`: in front).
    case itemCreate(OpenAIItem, after: String? = nil)
    /// More than the item has is an error, and so is zero: delete the item then.
    case itemTruncate(item: String, audioEndMilliseconds: Int)
    case itemDelete(item: String)
    /// `instructions` replace the session's for this answer.
    case responseCreate(instructions: String? = nil)
    /// Nil: whatever runs.
    case responseCancel(response: String? = nil)

    /// The `type` on the wire.
    package var type: String {
        switch self {
        case .sessionUpdate: "session.update"
        case .inputCommit: "input_audio_buffer.commit"
        case .inputClear: "input_audio_buffer.clear"
        case .itemCreate: "conversation.item.create"
        case .itemTruncate: "conversation.item.truncate"
        case .itemDelete: "conversation.item.delete"
        case .responseCreate: "response.create"
        case .responseCancel: "response.cancel"
        }
    }

    /// One JSON object. `id` comes back as `error.event_id` when the server refuses this event.
    package func encoded(id: String? = nil) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { event in
            event.member("type", type)
            if let id { event.member("event_id", id) }
            body(&event)
        }
        return writer.bytes
    }

    private func body(_ event: inout JSONWriter.Object) {
        switch self {
        case .sessionUpdate(let session):
            event.member("session") { session.write(to: &$0) }
        case .inputCommit, .inputClear:
            break
        case .itemCreate(let item, let after):
            if let after { event.member("previous_item_id", after) }
            event.member("item") { item.write(to: &$0) }
        case .itemTruncate(let item, let milliseconds):
            event.member("item_id", item)
            event.member("content_index", 0)
            event.member("audio_end_ms", milliseconds)
        case .itemDelete(let item):
            event.member("item_id", item)
        case .responseCreate(let instructions):
            if let instructions { event.member("response") { $0.member("instructions", instructions) } }
        case .responseCancel(let response):
            if let response { event.member("response_id", response) }
        }
    }
}
