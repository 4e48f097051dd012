import Foundation
import InterviewCore
import Testing
import WireFormats

@Suite("OpenAIServerEvent")
struct OpenAIServerEventTests {
    static let usage = Usage(
        textIn: 119, audioIn: 44, imageIn: 0, cachedTextIn: 64, cachedAudioIn: 32, cachedImageIn: 0, textOut: 20,
        audioOut: 138)

    /// One file for each event that matters, with the value it has to become.
    static let events: [(String, OpenAIServerEvent)] = [
        (
            "server-error",
            .error(
                OpenAIErrorBody(
                    type: "invalid_request_error", code: "item_truncate_invalid_item_id", param: "item_id",
                    event: "event_890"))
        ),
        (
            "server-session-created",
            .sessionCreated(OpenAISessionState(id: "sess_C9", model: "gpt-realtime-2.1", expiresAt: 1_795_600_000))
        ),
        (
            "server-session-updated",
            .sessionUpdated(OpenAISessionState(id: "sess_C9", model: "gpt-realtime-2.1", expiresAt: 1_795_600_000))
        ),
        ("server-item-added", .itemAdded(OpenAIServerItem(id: "item_1", type: "message", role: "user"))),
        ("server-item-done", .itemDone(OpenAIServerItem(id: "item_2", type: "message", role: "assistant"))),
        ("server-item-truncated", .itemTruncated(item: "item_2", audioEndMilliseconds: 1_500)),
        ("server-item-deleted", .itemDeleted(item: "item_2")),
        ("server-transcription-delta", .transcriptionDelta(item: "item_1", delta: "Hello,")),
        (
            "server-transcription-completed",
            .transcriptionCompleted(
                item: "item_1", transcript: "Hello, “how” are you? 🙂", usage: Usage(audioIn: 17, textOut: 9))
        ),
        (
            "server-transcription-completed-duration",
            .transcriptionCompleted(item: "item_1", transcript: "Yes.", usage: Usage(milliseconds: 1_251))
        ),
        (
            "server-transcription-failed",
            .transcriptionFailed(
                item: "item_1", OpenAIErrorBody(type: "transcription_error", code: "audio_unintelligible"))
        ),
        ("server-input-committed", .inputCommitted(item: "item_1")),
        ("server-speech-started", .speechStarted(item: "item_1", audioStartMilliseconds: 1_000)),
        ("server-speech-stopped", .speechStopped(item: "item_1", audioEndMilliseconds: 2_400)),
        (
            "server-input-timeout",
            .inputTimeout(item: "item_4", audioStartMilliseconds: 13_216, audioEndMilliseconds: 19_232)
        ),
        ("server-response-created", .responseCreated(OpenAIResponse(id: "resp_1", status: .inProgress))),
        ("server-response-done", .responseDone(OpenAIResponse(id: "resp_1", status: .completed, usage: usage))),
        (
            "server-response-done-cancelled",
            .responseDone(
                OpenAIResponse(
                    id: "resp_2", status: .cancelled, reason: "turn_detected",
                    usage: Usage(textIn: 20, audioIn: 30, textOut: 5, audioOut: 25)))
        ),
        (
            "server-response-done-failed",
            .responseDone(
                OpenAIResponse(
                    id: "resp_3", status: .failed,
                    error: OpenAIErrorBody(type: "tokens", code: "rate_limit_exceeded")))
        ),
        (
            "server-response-done-incomplete",
            .responseDone(OpenAIResponse(id: "resp_4", status: .incomplete, reason: "max_output_tokens"))
        ),
        (
            "server-output-item-added",
            .outputItemAdded(
                response: "resp_1", OpenAIServerItem(id: "item_2", type: "message", role: "assistant"))
        ),
        (
            "server-output-item-done",
            .outputItemDone(
                response: "resp_1",
                OpenAIServerItem(id: "item_3", type: "function_call", name: "end_interview", call: "call_9"))
        ),
        ("server-audio-done", .audioDone(response: "resp_1", item: "item_2")),
        (
            "server-audio-transcript-delta",
            .audioTranscriptDelta(response: "resp_1", item: "item_2", delta: "Hel")
        ),
        (
            "server-audio-transcript-done",
            .audioTranscriptDone(response: "resp_1", item: "item_2", transcript: "Hello there.")
        ),
        ("server-text-delta", .textDelta(response: "resp_1", item: "item_2", delta: "Hel")),
        ("server-text-done", .textDone(response: "resp_1", item: "item_2", text: "Hello there.")),
        (
            "server-function-call-done",
            .functionCallDone(
                response: "resp_1", item: "item_3", call: "call_9", name: "end_interview",
                arguments: "{\"reason\":\"done\"}")
        ),
        (
            "server-rate-limits",
            .rateLimits([
                OpenAIRateLimit(name: "requests", limit: 1_000, remaining: 999),
                OpenAIRateLimit(name: "tokens", limit: 50_000, remaining: 49_950),
            ])
        ),
        ("server-content-part-added", .unused(type: "response.content_part.added")),
        ("server-input-cleared", .unused(type: "input_audio_buffer.cleared")),
        ("server-arguments-delta", .unused(type: "response.function_call_arguments.delta")),
        ("server-unknown", .unknown(type: "response.hologram.delta")),
    ]

    private static func decode(_ bytes: [UInt8]) throws -> OpenAIServerEvent {
        try bytes.withUnsafeBytes { try OpenAIServerEvent.decode($0) }
    }

    private static func decode(_ text: String) throws -> OpenAIServerEvent { try decode(Array(text.utf8)) }

    @Test("what the server says becomes the value that the table names", arguments: events.indices)
    func golden(index: Int) throws {
        let (name, expected) = Self.events[index]
        let file = GoldenFile(name: name)
        #expect(try Self.decode(file.bytes()) == expected, "\(name)")
        try file.check(try file.bytes())
    }

    @Test("every golden file is in a table")
    func noOrphans() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: GoldenFile.folder.path)
            .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }
        let known =
            Self.events.map(\.0) + OpenAIClientEventTests.events.map(\.0) + ["client-append", "server-audio-delta"]
        #expect(Set(names) == Set(known))
    }

    @Test("an audio delta says where its parts lie, whatever the order and spacing")
    func audioDelta() throws {
        let kept = try GoldenFile(name: "server-audio-delta").bytes()
        let tight =
            #"{"delta":"AQD/fwCA","content_index":0,"item_id":"item_2","type":"response.output_audio.delta","#
            + #""response_id":"resp_1","output_index":0,"event_id":"event_5"}"#
        for message in [kept, Array(tight.utf8)] {
            guard case .audioDelta(let delta) = try Self.decode(message) else {
                Issue.record("no audio delta")
                continue
            }
            #expect(String(decoding: message[delta.response], as: UTF8.self) == "resp_1")
            #expect(String(decoding: message[delta.item], as: UTF8.self) == "item_2")
            #expect(String(decoding: message[delta.sound], as: UTF8.self) == "AQD/fwCA")
        }
    }

    @Test(
        "a message that is no event is an error that names what is wrong",
        arguments: [
            ("", OpenAIWireError.json(.notAnObject)), ("[]", .json(.notAnObject)), ("nonsense", .json(.notAnObject)),
            ("{", .json(.truncated)), (#"{"type":"error""#, .json(.truncated)), ("{}", .untyped),
            (#"{"type":1}"#, .untyped),
            (#"{"type":"error"}x"#, .json(.unexpected(offset: 16))), (#"{"type":"error"}"#, .badBody(type: "error")),
            (#"{"type":"response.done","response":{}}"#, .badBody(type: "response.done")),
            (#"{"type":"response.done","response":[}}"#, .json(.unexpected(offset: 36))),
            (#"{"type":"response.output_audio.delta","delta":"AA=="}"#, .badBody(type: "response.output_audio.delta")),
            (
                #"{"type":"response.output_audio.done","item_id":1,"response_id":"r"}"#,
                .badBody(type: "response.output_audio.done")
            ),
            (
                #"{"type":"input_audio_buffer.speech_started","item_id":"i"}"#,
                .badBody(type: "input_audio_buffer.speech_started")
            ),
        ])
    func refused(text: String, error: OpenAIWireError) {
        #expect(throws: error) { try Self.decode(text) }
    }

    @Test("an absurd number is bounded, a fraction rounded, and neither ends anything")
    func numbers() throws {
        func started(_ number: String) throws -> OpenAIServerEvent {
            try Self.decode(
                #"{"type":"input_audio_buffer.speech_started","item_id":"i","audio_start_ms":\#(number)}"#)
        }
        #expect(try started("12.6") == .speechStarted(item: "i", audioStartMilliseconds: 13))
        #expect(try started("1e300") == .speechStarted(item: "i", audioStartMilliseconds: 1_000_000_000_000))
        #expect(
            try started("-9223372036854775808") == .speechStarted(item: "i", audioStartMilliseconds: -1_000_000_000_000)
        )
    }

    @Test("the name of an unknown event is cut, and escapes in a known one are understood")
    func names() throws {
        let long = String(repeating: "x", count: 1_000)
        #expect(try Self.decode(#"{"type":"\#(long)"}"#) == .unknown(type: String(repeating: "x", count: 64)))
        let escaped = #"{"type":"input_audio_buffer\u002ecommitted","item_id":"i\/1"}"#
        #expect(try Self.decode(escaped) == .inputCommitted(item: "i/1"))
    }

    @Test("usage without details is charged as the dearest, and cached never exceeds its input")
    func usage() throws {
        func done(_ usage: String) throws -> Usage? {
            let text = #"{"type":"response.done","response":{"id":"r","status":"completed","usage":\#(usage)}}"#
            guard case .responseDone(let response) = try Self.decode(text) else { return nil }
            return response.usage
        }
        #expect(try done(#"{"input_tokens":100,"output_tokens":50}"#) == Usage(audioIn: 100, audioOut: 50))
        #expect(
            try done(
                #"{"input_tokens":100,"input_token_details":{"text_tokens":40,"audio_tokens":50,"cached_tokens":60}}"#)
                == Usage(textIn: 50, audioIn: 50, cachedTextIn: 50, cachedAudioIn: 10))
        #expect(
            try done(
                #"{"input_token_details":{"text_tokens":4,"audio_tokens":-5,"cached_tokens_details":{"text_tokens":9}}}"#
            ) == Usage(textIn: 4, cachedTextIn: 4))
        #expect(
            try done(#"{"output_tokens":30,"output_token_details":{"text_tokens":4,"audio_tokens":20}}"#)
                == Usage(textOut: 10, audioOut: 20))
        #expect(try done(#"{"output_tokens":1e18}"#) == Usage(audioOut: Usage.maxTokens))
        #expect(try done("null") == nil)
    }
}
