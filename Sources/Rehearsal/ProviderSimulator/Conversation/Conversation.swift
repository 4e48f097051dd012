import NIOCore

/// The default conversation of a session: its items in order, and where the part begins that the model still sees.
package struct Conversation: Sendable {
    package private(set) var items: [ConversationItem] = []
    /// Items before this one no longer fit into the model's context.
    package private(set) var contextStart = 0
    private let retainedAudioBytes: Int

    package init(retainedAudioBytes: Int = 1 << 20) { self.retainedAudioBytes = retainedAudioBytes }

    package func index(of id: String) -> Int? { items.lastIndex { $0.id == id } }
    package func item(_ id: String) -> ConversationItem? { index(of: id).map { items[$0] } }
    package var context: ArraySlice<ConversationItem> { items[contextStart...] }

    /// Where a new item goes.
    package enum Place: Equatable, Sendable {
        case end
        case front
        case after(String)
    }

    /// Adds an item and answers with the id before it; the outer nil: there is no item to go after.
    package mutating func insert(_ item: ConversationItem, at place: Place = .end) -> String?? {
        let position: Int
        switch place {
        case .end: position = items.count
        case .front: position = 0
        case .after(let id):
            guard let index = index(of: id) else { return nil }
            position = index + 1
        }
        items.insert(item, at: position)
        forgetOldAudio()
        return .some(position > 0 ? items[position - 1].id : nil)
    }

    package mutating func remove(_ id: String) -> Bool {
        guard let index = index(of: id) else { return false }
        items.remove(at: index)
        if index < contextStart { contextStart -= 1 }
        return true
    }

    package mutating func update(_ id: String, _ change: (inout ConversationItem) -> Void) {
        guard let index = index(of: id) else { return }
        change(&items[index])
        forgetOldAudio()
    }

    /// Cuts an answer to what was heard. Its transcript goes wholly, as with the vendor: nobody knows which words of it
    /// were heard.
    package mutating func truncate(
        _ id: String, contentIndex: Int, audioEndMilliseconds: Int
    ) throws(ClientError) {
        guard let index = index(of: id) else {
            throw ClientError(
                "item_truncate_invalid_item_id", "Error truncating item: the item with id '\(id)' does not exist.",
                param: "item_id")
        }
        guard case .message(.assistant, var content) = items[index].body else {
            throw ClientError.invalid("item_id", "Only model output audio messages can be truncated")
        }
        guard items[index].status != .inProgress else {
            throw ClientError.invalid("item_id", "Item '\(id)' is still being generated; cancel its response first.")
        }
        guard contentIndex < content.count, contentIndex >= 0, audioEndMilliseconds > 0,
            case .outputAudio(let milliseconds, _, let audio) = content[contentIndex], milliseconds > 0
        else {
            throw ClientError(
                "unsupported_content_type", "Only model output audio messages can be truncated", param: "content_index")
        }
        guard audioEndMilliseconds <= milliseconds else {
            throw ClientError.invalid(
                "audio_end_ms",
                "Audio content of \(milliseconds)ms is already shorter than \(audioEndMilliseconds)ms")
        }
        let bytes = (audio?.readableBytes ?? 0) / milliseconds * audioEndMilliseconds / 2 * 2
        content[contentIndex] = .outputAudio(
            milliseconds: audioEndMilliseconds, transcript: nil,
            audio: audio.flatMap { $0.getSlice(at: $0.readerIndex, length: min(bytes, $0.readableBytes)) })
        items[index].body = .message(.assistant, content)
        items[index].revision += 1
    }

    /// What the script looks at.
    package var moment: Script.Moment {
        let messages = items.filter { $0.role == .user || $0.role == .assistant }
        var toolJustAnswered = false
        if case .functionCallOutput = items.last?.body { toolJustAnswered = true }
        return Script.Moment(
            agentMessages: messages.count { $0.role == .assistant }, openedByAgent: messages.first?.role == .assistant,
            userMessages: messages.count { $0.role == .user }, toolJustAnswered: toolJustAnswered)
    }

    package func hasCall(_ callID: String) -> Bool {
        items.contains {
            if case .functionCall(_, _, callID) = $0.body { return true }
            return false
        }
    }

    /// Drops the oldest items from the context until it has `limit` tokens; once it must drop, it goes down to `goal`.
    package mutating func fit(limit: Int, goal: Int) {
        var total = context.reduce(0) { $0 + $1.tokens.total }
        guard total > limit else { return }
        while total > goal, contextStart < items.count - 1 {
            total -= items[contextStart].tokens.total
            contextStart += 1
        }
    }

    private mutating func forgetOldAudio() {
        var left = retainedAudioBytes
        for index in items.indices.reversed() {
            guard case .message(let role, let content) = items[index].body else { continue }
            let bytes = content.reduce(0) { $0 + $1.audioBytes }
            guard bytes > 0 else { continue }
            left -= bytes
            if left < 0 { items[index].body = .message(role, content.map(\.withoutAudio)) }
        }
    }
}
