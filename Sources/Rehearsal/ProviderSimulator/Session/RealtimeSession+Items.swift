import NIOCore

/// The conversation's items, as far as the client makes and changes them.
extension RealtimeSession {
    /// Tells that an item has been added and is complete.
    func announce(_ item: ConversationItem, after previous: String?) {
        for event in ["conversation.item.added", "conversation.item.done"] {
            send(event, ["previous_item_id": .optional(previous), "item": item.json()])
        }
    }

    func createItem(_ event: JSON) throws(ClientError) {
        let item = try makeItem(event["item"] ?? .null, at: "item")
        guard conversation.index(of: item.id) == nil else {
            throw ClientError(
                "item_create_duplicate_item_id",
                "Error adding item: an item with id '\(item.id)' already exists in the conversation.", param: "item.id")
        }
        guard conversation.items.count < SimulatorOptions.maximumItems else {
            throw .invalid("item", "The conversation has too many items.")
        }
        if case .functionCallOutput(let callID, _) = item.body, !conversation.hasCall(callID) {
            throw ClientError(
                "invalid_tool_call_id", "Tool call ID '\(callID)' not found in conversation.", param: "item.call_id")
        }
        let place: Conversation.Place =
            switch event["previous_item_id"]?.string {
            case nil: .end
            case "root"?: .front
            case let id?: .after(id)
            }
        guard let previous = conversation.insert(item, at: place) else {
            throw ClientError(
                "item_create_invalid_previous_item_id",
                "Error adding item: previous item with id "
                    + "'\(event["previous_item_id"]?.string ?? "")' not found.", param: "previous_item_id")
        }
        record(item)
        announce(item, after: previous)
    }

    private func record(_ item: ConversationItem) {
        switch item.body {
        case .message(let role, let content):
            let text = content.compactMap { part -> String? in
                switch part {
                case .inputText(let text), .outputText(let text): text
                case .inputAudio, .outputAudio, .inputImage: nil
                }
            }
            record(
                .itemCreated,
                [
                    "item": .string(item.id), "role": .string(role.rawValue),
                    "text": .string(text.joined(separator: " ")),
                ])
        case .functionCall(let name, let arguments, let callID):
            record(
                .itemCreated,
                [
                    "item": .string(item.id), "function": .string(name), "call_id": .string(callID),
                    "arguments": .string(arguments),
                ])
        case .functionCallOutput(let callID, let output):
            record(
                .toolOutput,
                ["item": .string(item.id), "call_id": .string(callID), "output": .string(output)])
        }
    }

    /// An item that a client wrote, checked.
    func makeItem(_ json: JSON, at path: String) throws(ClientError) -> ConversationItem {
        try Shape.item.check(json, at: path)
        let id = json["id"]?.string ?? identifiers.next("item_")
        switch json["type"]?.string {
        case "function_call":
            return ConversationItem(
                id: id,
                body: .functionCall(
                    name: json["name"]?.string ?? "", arguments: json["arguments"]?.string ?? "",
                    callID: json["call_id"]?.string ?? identifiers.next("call_")))
        case "function_call_output":
            return ConversationItem(
                id: id,
                body: .functionCallOutput(
                    callID: json["call_id"]?.string ?? "", output: json["output"]?.string ?? ""))
        default:
            let role = json["role"]?.string.flatMap(ConversationItem.Role.init(rawValue:)) ?? .user
            var content: [ConversationItem.Content] = []
            for (index, part) in (json["content"]?.array ?? []).enumerated() {
                try Shape.content(of: role.rawValue).check(part, at: "\(path).content[\(index)]")
                content.append(try makeContent(part, at: "\(path).content[\(index)]"))
            }
            return ConversationItem(id: id, body: .message(role, content))
        }
    }

    private func makeContent(_ part: JSON, at path: String) throws(ClientError) -> ConversationItem.Content {
        switch part["type"]?.string {
        case "output_text": return .outputText(part["text"]?.string ?? "")
        case "input_image":
            return .inputImage(url: part["image_url"]?.string ?? "", detail: part["detail"]?.string ?? "auto")
        case "input_audio":
            var text = part["audio"]?.string ?? ""
            guard let audio = text.withUTF8({ Base64.decode(UnsafeRawBufferPointer($0)) }) else {
                throw .invalid("\(path).audio", "Invalid '\(path).audio'. Expected base64-encoded audio bytes.")
            }
            return .inputAudio(
                milliseconds: audio.count / configuration.inputFormat.bytesPerMillisecond,
                transcript: part["transcript"]?.string, audio: ByteBuffer(bytes: audio))
        default: return .inputText(part["text"]?.string ?? "")
        }
    }

    func retrieveItem(_ id: String) throws(ClientError) {
        guard let item = conversation.item(id) else {
            throw ClientError(
                "item_retrieve_invalid_item_id", "Error retrieving item: the item with id '\(id)' does not exist.",
                param: "item_id")
        }
        send("conversation.item.retrieved", ["item": item.json(withAudio: true)])
    }

    func deleteItem(_ id: String) throws(ClientError) {
        if active?.speech?.item == id {
            throw .invalid("item_id", "Item '\(id)' is still being generated; cancel its response first.")
        }
        guard conversation.remove(id) else {
            throw ClientError(
                "item_delete_invalid_item_id", "Error deleting item: the item with id '\(id)' does not exist.",
                param: "item_id")
        }
        record(.itemDeleted, ["item": .string(id)])
        send("conversation.item.deleted", ["item_id": .string(id)])
    }

    func truncateItem(_ event: JSON) throws(ClientError) {
        let id = event["item_id"]?.string ?? ""
        let contentIndex = event["content_index"]?.integer ?? 0
        let milliseconds = event["audio_end_ms"]?.integer ?? 0
        let before = conversation.item(id)
        try conversation.truncate(id, contentIndex: contentIndex, audioEndMilliseconds: milliseconds)
        record(
            .truncated,
            [
                "item": .string(id), "audio_end_ms": .integer(milliseconds),
                "remaining_transcript": .string(Self.remaining(of: before, upTo: milliseconds)),
            ])
        send(
            "conversation.item.truncated",
            [
                "item_id": .string(id), "content_index": .integer(contentIndex),
                "audio_end_ms": .integer(milliseconds),
            ])
    }

    /// The words that had begun by then: an estimate for whoever reads the log. The item itself loses all its words.
    private static func remaining(of item: ConversationItem?, upTo milliseconds: Int) -> String {
        guard case .message(_, let content)? = item?.body,
            case .outputAudio(let length, let transcript?, _)? = content.first
        else { return "" }
        return Phrase.words(of: transcript, within: length).prefix { $0.startMilliseconds < milliseconds }
            .map(\.text).joined()
    }
}
