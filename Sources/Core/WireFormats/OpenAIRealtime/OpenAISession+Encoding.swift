import Foundation

extension OpenAISession {
    func write(to session: inout JSONWriter.Object) {
        session.member("type", "realtime")
        // Never text alone: a long history of text has made models answer without sound.
        session.member("output_modalities", strings: ["audio"])
        session.member("instructions", instructions)
        session.member("audio") { audio in
            audio.member("input") { input in
                input.member("format") { inputFormat.write(to: &$0) }
                if let noiseReduction {
                    input.member("noise_reduction") { $0.member("type", noiseReduction.rawValue) }
                } else {
                    input.null("noise_reduction")
                }
                if let transcription {
                    input.member("transcription") { transcription.write(to: &$0) }
                } else {
                    input.null("transcription")
                }
                if let turnDetection {
                    input.member("turn_detection") { turnDetection.write(to: &$0) }
                } else {
                    input.null("turn_detection")
                }
            }
            audio.member("output") { output in
                output.member("format") { outputFormat.write(to: &$0) }
                output.member("voice", voice)
            }
        }
        session.member("tools", objects: tools) { $1.write(to: &$0) }
        toolChoice.write(to: &session)
        if let maxOutputTokens {
            session.member("max_output_tokens", maxOutputTokens)
        } else {
            session.member("max_output_tokens", "inf")
        }
        truncation.write(to: &session)
    }
}

extension OpenAIAudioFormat {
    fileprivate func write(to format: inout JSONWriter.Object) {
        format.member("type", rawValue)
        if self == .pcm24k { format.member("rate", 24_000) }
    }
}

extension OpenAITranscription {
    fileprivate func write(to transcription: inout JSONWriter.Object) {
        transcription.member("model", model)
        if let language { transcription.member("language", language) }
    }
}

extension OpenAITurnDetection {
    fileprivate func write(to detection: inout JSONWriter.Object) {
        switch self {
        case .server(let server):
            detection.member("type", "server_vad")
            detection.member("threshold", server.threshold)
            detection.member("prefix_padding_ms", server.prefixMilliseconds)
            detection.member("silence_duration_ms", server.silenceMilliseconds)
            detection.member("create_response", server.createResponse)
            detection.member("interrupt_response", server.interruptResponse)
        case .semantic(let semantic):
            detection.member("type", "semantic_vad")
            detection.member("eagerness", semantic.eagerness.rawValue)
            detection.member("create_response", semantic.createResponse)
            detection.member("interrupt_response", semantic.interruptResponse)
        }
    }
}

extension OpenAITool {
    /// True for JSON text that is one object: what `parameters` has to be.
    package static func isObject(_ json: String) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(json.utf8))) is [String: Any]
    }

    fileprivate func write(to tool: inout JSONWriter.Object) {
        tool.member("type", "function")
        tool.member("name", name)
        tool.member("description", description)
        tool.member("parameters", json: parameters)
    }
}

extension OpenAIToolChoice {
    fileprivate func write(to session: inout JSONWriter.Object) {
        switch self {
        case .auto: session.member("tool_choice", "auto")
        case .none: session.member("tool_choice", "none")
        case .required: session.member("tool_choice", "required")
        case .function(let name):
            session.member("tool_choice") { choice in
                choice.member("type", "function")
                choice.member("name", name)
            }
        }
    }
}

extension OpenAITruncation {
    fileprivate func write(to session: inout JSONWriter.Object) {
        switch self {
        case .auto: session.member("truncation", "auto")
        case .disabled: session.member("truncation", "disabled")
        case .retention(let ratio, let postInstructions):
            session.member("truncation") { truncation in
                truncation.member("type", "retention_ratio")
                truncation.member("retention_ratio", ratio)
                if let postInstructions {
                    truncation.member("token_limits") { $0.member("post_instructions", postInstructions) }
                }
            }
        }
    }
}

extension OpenAIItem {
    func write(to item: inout JSONWriter.Object) {
        if let id { item.member("id", id) }
        switch content {
        case .system(let text): message("system", "input_text", text, to: &item)
        case .user(let text): message("user", "input_text", text, to: &item)
        case .assistant(let text): message("assistant", "output_text", text, to: &item)
        case .functionCall(let call, let name, let arguments):
            item.member("type", "function_call")
            item.member("call_id", call)
            item.member("name", name)
            item.member("arguments", arguments)
        case .functionCallOutput(let call, let output):
            item.member("type", "function_call_output")
            item.member("call_id", call)
            item.member("output", output)
        }
    }

    private func message(_ role: String, _ kind: String, _ text: String, to item: inout JSONWriter.Object) {
        item.member("type", "message")
        item.member("role", role)
        item.member("content", objects: [text]) { part, text in
            part.member("type", kind)
            part.member("text", text)
        }
    }
}
