import NIOCore

/// One entry of a conversation.
package struct ConversationItem: Sendable {
    package enum Role: String, Sendable { case system, user, assistant }
    package enum Status: String, Sendable { case completed, incomplete, inProgress = "in_progress" }
    package enum Content: Sendable {
        case inputText(String)
        /// `transcript` is stored and shown to the client, never to the model.
        case inputAudio(milliseconds: Int, transcript: String?, audio: ByteBuffer?)
        case inputImage(url: String, detail: String)
        case outputText(String)
        case outputAudio(milliseconds: Int, transcript: String?, audio: ByteBuffer?)
    }
    package enum Body: Sendable {
        case message(Role, [Content])
        case functionCall(name: String, arguments: String, callID: String)
        case functionCallOutput(callID: String, output: String)
    }

    package var id: String
    package var body: Body
    package var status: Status
    /// Grows whenever the model would see something else: a prompt is cached only up to the first change.
    package var revision = 0

    package init(id: String, body: Body, status: Status = .completed) {
        self.id = id
        self.body = body
        self.status = status
    }

    package var role: Role? {
        if case .message(let role, _) = body { return role }
        return nil
    }

    package func json(withAudio: Bool = false) -> JSON {
        var object: JSONObject = ["id": .string(id), "object": "realtime.item"]
        switch body {
        case .message(let role, let content):
            object["type"] = "message"
            object["status"] = .string(status.rawValue)
            object["role"] = .string(role.rawValue)
            object["content"] = .array(content.map { $0.json(withAudio: withAudio) })
        case .functionCall(let name, let arguments, let callID):
            object["type"] = "function_call"
            object["status"] = .string(status.rawValue)
            object["name"] = .string(name)
            object["call_id"] = .string(callID)
            object["arguments"] = .string(arguments)
        case .functionCallOutput(let callID, let output):
            object["type"] = "function_call_output"
            object["status"] = .string(status.rawValue)
            object["call_id"] = .string(callID)
            object["output"] = .string(output)
        }
        return .object(object)
    }
}

extension ConversationItem.Content {
    package func json(withAudio: Bool) -> JSON {
        switch self {
        case .inputText(let text): return ["type": "input_text", "text": .string(text)]
        case .outputText(let text): return ["type": "output_text", "text": .string(text)]
        case .inputImage(let url, let detail):
            return ["type": "input_image", "image_url": .string(url), "detail": .string(detail)]
        case .inputAudio(_, let transcript, let audio):
            return Self.json("input_audio", transcript, withAudio ? audio : nil)
        case .outputAudio(_, let transcript, let audio):
            return Self.json("output_audio", transcript, withAudio ? audio : nil)
        }
    }

    private static func json(_ type: String, _ transcript: String?, _ audio: ByteBuffer?) -> JSON {
        var object: JSONObject = ["type": .string(type), "transcript": .optional(transcript)]
        if let audio {
            object["audio"] = .string(
                audio.withUnsafeReadableBytes { String(decoding: Base64.encode($0), as: UTF8.self) })
        }
        return .object(object)
    }

    /// Without the sound, which is the large part.
    package var withoutAudio: Self {
        switch self {
        case .inputAudio(let milliseconds, let transcript, _):
            .inputAudio(milliseconds: milliseconds, transcript: transcript, audio: nil)
        case .outputAudio(let milliseconds, let transcript, _):
            .outputAudio(milliseconds: milliseconds, transcript: transcript, audio: nil)
        case .inputText, .outputText, .inputImage: self
        }
    }

    package var audioBytes: Int {
        switch self {
        case .inputAudio(_, _, let audio), .outputAudio(_, _, let audio): audio?.readableBytes ?? 0
        case .inputText, .outputText, .inputImage: 0
        }
    }
}
