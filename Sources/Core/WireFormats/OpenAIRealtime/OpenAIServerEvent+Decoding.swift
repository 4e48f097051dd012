import Foundation
import InterviewCore

extension OpenAIServerEvent {
    /// Longest name of an unknown event that is kept, in bytes.
    package static let maxUnknownTypeLength = 64

    /// Reads one message. Unknown events and fields are no error; what is no JSON, or a known event without the fields
    /// that make it one, is. The ranges of `.audioDelta` refer to `message`.
    package static func decode(_ message: UnsafeRawBufferPointer) throws(OpenAIWireError) -> OpenAIServerEvent {
        let head: Head
        do throws(JSONError) { head = try Head(message) } catch { throw .json(error) }
        if head.isAudioDelta {
            guard let response = head.response, let item = head.item, let sound = head.delta else {
                throw .badBody(type: Kind.audioDelta.rawValue)
            }
            return .audioDelta(OpenAIAudioDelta(response: response, item: item, sound: sound))
        }
        guard let type = head.type, let name = JSONText.string(UnsafeRawBufferPointer(rebasing: message[type])) else {
            throw .untyped
        }
        guard let kind = Kind(rawValue: name) else {
            return .unknown(type: cut(name))
        }
        if kind.isUnused { return .unused(type: name) }
        if let delta = try textDelta(kind, head, message) { return delta }
        guard let base = message.baseAddress else { throw .untyped }
        // Read before this function returns; nothing keeps the bytes.
        let data = Data(bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: message.count, deallocator: .none)
        do { return try kind.decode(OpenAIBodyReader(data: data)) } catch { throw .badBody(type: name) }
    }

    /// Pieces of text come by the token: what the one pass found is all there is to them. Nil for other events.
    private static func textDelta(
        _ kind: Kind, _ head: Head, _ message: UnsafeRawBufferPointer
    ) throws(OpenAIWireError) -> OpenAIServerEvent? {
        guard kind == .audioTranscriptDelta || kind == .textDelta else { return nil }
        func text(_ range: Range<Int>?) -> String? {
            range.flatMap { JSONText.string(UnsafeRawBufferPointer(rebasing: message[$0])) }
        }
        guard let response = text(head.response), let item = text(head.item), let delta = text(head.delta) else {
            throw .badBody(type: kind.rawValue)
        }
        return kind == .textDelta
            ? .textDelta(response: response, item: item, delta: delta)
            : .audioTranscriptDelta(response: response, item: item, delta: delta)
    }

    /// Whole characters only: half a one would be replaced by something longer.
    private static func cut(_ name: String) -> String {
        var room = maxUnknownTypeLength
        return String(
            name.unicodeScalars.prefix { scalar in
                room -= UTF8.width(scalar)
                return room >= 0
            })
    }

    /// What one pass over the top level finds: enough for the hot path, and the type for everything else.
    private struct Head {
        var type: Range<Int>?
        var response: Range<Int>?
        var item: Range<Int>?
        var delta: Range<Int>?
        var isAudioDelta = false

        init(_ message: UnsafeRawBufferPointer) throws(JSONError) {
            var members = try JSONMembers(message)
            while let member = try members.next() {
                guard member.value.kind == .string else { continue }
                if members.equals(member.key, "delta") {
                    delta = member.value.range
                } else if members.equals(member.key, "type") {
                    type = member.value.range
                    isAudioDelta = members.equals(member.value.range, "response.output_audio.delta")
                } else if members.equals(member.key, "item_id") {
                    item = member.value.range
                } else if members.equals(member.key, "response_id") {
                    response = member.value.range
                }
            }
        }
    }

    /// The events of the vendor's union.
    enum Kind: String, CaseIterable {
        case error
        case sessionCreated = "session.created"
        case sessionUpdated = "session.updated"
        case conversationCreated = "conversation.created"
        case itemAdded = "conversation.item.added"
        case itemDone = "conversation.item.done"
        case itemCreated = "conversation.item.created"
        case itemRetrieved = "conversation.item.retrieved"
        case itemTruncated = "conversation.item.truncated"
        case itemDeleted = "conversation.item.deleted"
        case transcriptionDelta = "conversation.item.input_audio_transcription.delta"
        case transcriptionCompleted = "conversation.item.input_audio_transcription.completed"
        case transcriptionFailed = "conversation.item.input_audio_transcription.failed"
        case transcriptionSegment = "conversation.item.input_audio_transcription.segment"
        case inputCommitted = "input_audio_buffer.committed"
        case inputCleared = "input_audio_buffer.cleared"
        case speechStarted = "input_audio_buffer.speech_started"
        case speechStopped = "input_audio_buffer.speech_stopped"
        case inputTimeout = "input_audio_buffer.timeout_triggered"
        case keyPressed = "input_audio_buffer.dtmf_event_received"
        case responseCreated = "response.created"
        case responseDone = "response.done"
        case outputItemAdded = "response.output_item.added"
        case outputItemDone = "response.output_item.done"
        case contentPartAdded = "response.content_part.added"
        case contentPartDone = "response.content_part.done"
        case audioDelta = "response.output_audio.delta"
        case audioDone = "response.output_audio.done"
        case audioTranscriptDelta = "response.output_audio_transcript.delta"
        case audioTranscriptDone = "response.output_audio_transcript.done"
        case textDelta = "response.output_text.delta"
        case textDone = "response.output_text.done"
        case argumentsDelta = "response.function_call_arguments.delta"
        case argumentsDone = "response.function_call_arguments.done"
        case mcpArgumentsDelta = "response.mcp_call_arguments.delta"
        case mcpArgumentsDone = "response.mcp_call_arguments.done"
        case mcpCallInProgress = "response.mcp_call.in_progress"
        case mcpCallCompleted = "response.mcp_call.completed"
        case mcpCallFailed = "response.mcp_call.failed"
        case mcpToolsInProgress = "mcp_list_tools.in_progress"
        case mcpToolsCompleted = "mcp_list_tools.completed"
        case mcpToolsFailed = "mcp_list_tools.failed"
        case rateLimits = "rate_limits.updated"
        case outputStarted = "output_audio_buffer.started"
        case outputStopped = "output_audio_buffer.stopped"
        case outputCleared = "output_audio_buffer.cleared"

        /// Events of other transports, of hosted tools, and those that say again what another event says.
        var isUnused: Bool {
            switch self {
            case .conversationCreated, .itemRetrieved, .transcriptionSegment, .inputCleared, .keyPressed,
                .contentPartAdded, .contentPartDone, .argumentsDelta, .mcpArgumentsDelta, .mcpArgumentsDone,
                .mcpCallInProgress, .mcpCallCompleted, .mcpCallFailed, .mcpToolsInProgress, .mcpToolsCompleted,
                .mcpToolsFailed, .outputStarted, .outputStopped, .outputCleared:
                true
            case .error, .sessionCreated, .sessionUpdated, .itemAdded, .itemDone, .itemCreated, .itemTruncated,
                .itemDeleted, .transcriptionDelta, .transcriptionCompleted, .transcriptionFailed, .inputCommitted,
                .speechStarted, .speechStopped, .inputTimeout, .responseCreated, .responseDone, .outputItemAdded,
                .outputItemDone, .audioDelta, .audioDone, .audioTranscriptDelta, .audioTranscriptDone, .textDelta,
                .textDone, .argumentsDone, .rateLimits:
                false
            }
        }
    }
}

extension OpenAIServerEvent.Kind {
    /// Only for events that are neither unused nor deltas of an answer.
    fileprivate func decode(_ body: OpenAIBodyReader) throws -> OpenAIServerEvent {
        switch self {
        case .error:
            return .error(try body.read(OpenAIBody.Failure.self).value)
        case .sessionCreated:
            return .sessionCreated(try body.read(OpenAIBody.Session.self).value)
        case .sessionUpdated:
            return .sessionUpdated(try body.read(OpenAIBody.Session.self).value)
        case .itemAdded, .itemCreated:
            return .itemAdded(try body.read(OpenAIBody.Item.self).item.value)
        case .itemDone:
            return .itemDone(try body.read(OpenAIBody.Item.self).item.value)
        case .itemTruncated, .itemDeleted, .transcriptionDelta, .transcriptionCompleted, .transcriptionFailed,
            .inputCommitted, .speechStarted, .speechStopped, .inputTimeout:
            return try decodeInput(try body.read(OpenAIBody.Input.self))
        case .responseCreated:
            return .responseCreated(try body.read(OpenAIBody.Response.self).value)
        case .responseDone:
            return .responseDone(try body.read(OpenAIBody.Response.self).value)
        case .outputItemAdded, .outputItemDone:
            let output = try body.read(OpenAIBody.OutputItem.self)
            let item = output.item.value
            return self == .outputItemAdded
                ? .outputItemAdded(response: output.responseId, item)
                : .outputItemDone(response: output.responseId, item)
        case .audioDone, .audioTranscriptDone, .textDone, .argumentsDone:
            return try decodeOutput(try body.read(OpenAIBody.Output.self))
        case .rateLimits:
            return .rateLimits(try body.read(OpenAIBody.RateLimits.self).value)
        default:
            return .unused(type: rawValue)
        }
    }

    private func decodeInput(_ body: OpenAIBody.Input) throws -> OpenAIServerEvent {
        let item = body.itemId
        return switch self {
        case .itemTruncated:
            .itemTruncated(item: item, audioEndMilliseconds: try OpenAIBody.need(body.audioEndMs).value)
        case .itemDeleted: .itemDeleted(item: item)
        case .transcriptionDelta: .transcriptionDelta(item: item, delta: body.delta ?? "")
        case .transcriptionCompleted:
            .transcriptionCompleted(
                item: item, transcript: try OpenAIBody.need(body.transcript), usage: body.usage?.transcription)
        case .transcriptionFailed: .transcriptionFailed(item: item, try OpenAIBody.need(body.error).value)
        case .inputCommitted: .inputCommitted(item: item)
        case .speechStarted:
            .speechStarted(item: item, audioStartMilliseconds: try OpenAIBody.need(body.audioStartMs).value)
        case .speechStopped:
            .speechStopped(item: item, audioEndMilliseconds: try OpenAIBody.need(body.audioEndMs).value)
        default:
            .inputTimeout(
                item: item, audioStartMilliseconds: try OpenAIBody.need(body.audioStartMs).value,
                audioEndMilliseconds: try OpenAIBody.need(body.audioEndMs).value)
        }
    }

    private func decodeOutput(_ body: OpenAIBody.Output) throws -> OpenAIServerEvent {
        let response = body.responseId
        let item = body.itemId
        return switch self {
        case .audioDone: .audioDone(response: response, item: item)
        case .audioTranscriptDone:
            .audioTranscriptDone(response: response, item: item, transcript: try OpenAIBody.need(body.transcript))
        case .textDone: .textDone(response: response, item: item, text: try OpenAIBody.need(body.text))
        default:
            .functionCallDone(
                response: response, item: item, call: try OpenAIBody.need(body.callId), name: body.name ?? "",
                arguments: try OpenAIBody.need(body.arguments))
        }
    }
}
