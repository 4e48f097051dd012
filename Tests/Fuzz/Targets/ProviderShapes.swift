/// The server events of OpenAI Realtime, for the grammar. Names and fields as in `Tests/Golden/OpenAIRealtime`.
enum ProviderShapes {
    private static let count = Shape.integer(0...200_000)
    private static let milliseconds = Shape.integer(0...3_600_000)
    private static let usage = Shape.fields(
        ["total_tokens": count, "input_tokens": count, "output_tokens": count],
        optional: [
            "input_token_details": .fields(
                [:],
                optional: [
                    "text_tokens": count, "audio_tokens": count, "image_tokens": count, "cached_tokens": count,
                    "cached_tokens_details": .fields(
                        [:], optional: ["text_tokens": count, "audio_tokens": count, "image_tokens": count]),
                ]),
            "output_token_details": .fields([:], optional: ["text_tokens": count, "audio_tokens": count]),
            "seconds": .number,
        ])
    private static let error = Shape.fields(
        ["type": .oneOf(["invalid_request_error", "server_error", "rate_limit_error"])],
        optional: [
            "code": .oneOf(["session_expired", "insufficient_quota", "item_truncate_invalid_item_id", "x y\u{7}z"]),
            "param": .text, "event_id": .oneOf(["setup", "answer", "e1"]), "message": .text,
        ])
    private static let item = Shape.fields(
        ["id": .identifier, "type": .oneOf(["message", "function_call", "function_call_output"])],
        optional: [
            "role": .oneOf(["user", "assistant", "system"]), "name": .oneOf(["end_interview"]), "call_id": .identifier,
            "content": .list(.anything, upTo: 2),
        ])
    private static let response = Shape.fields(
        ["id": .identifier],
        optional: [
            "status": .oneOf(["in_progress", "completed", "cancelled", "incomplete", "failed", "new_status"]),
            "status_details": .fields(
                [:], optional: ["reason": .oneOf(["turn_detected", "max_output_tokens"]), "error": error]),
            "usage": usage, "output": .list(item, upTo: 2),
        ])
    private static let output: KeyValuePairs<String, Shape> = ["response_id": .identifier, "item_id": .identifier]

    static let delta = Shape.message(
        "response.output_audio.delta", ["response_id": .identifier, "item_id": .identifier, "delta": .sound],
        optional: ["event_id": .identifier, "output_index": .integer(0...3), "content_index": .integer(0...3)])

    static let all: [Shape] = [
        delta,
        .message("error", ["error": error]),
        .message(
            "session.created",
            [
                "session": .fields(
                    ["id": .identifier], optional: ["model": .text, "expires_at": .integer(0...4_000_000_000)])
            ]),
        .message("session.updated", ["session": .fields([:], optional: ["model": .text])]),
        .message("conversation.item.added", ["item": item]), .message("conversation.item.done", ["item": item]),
        .message("conversation.item.truncated", ["item_id": .identifier, "audio_end_ms": milliseconds]),
        .message("conversation.item.deleted", ["item_id": .identifier]),
        .message("conversation.item.input_audio_transcription.delta", ["item_id": .identifier, "delta": .text]),
        .message(
            "conversation.item.input_audio_transcription.completed", ["item_id": .identifier, "transcript": .text],
            optional: ["usage": usage]),
        .message("conversation.item.input_audio_transcription.failed", ["item_id": .identifier, "error": error]),
        .message("input_audio_buffer.committed", ["item_id": .identifier]),
        .message("input_audio_buffer.speech_started", ["item_id": .identifier, "audio_start_ms": milliseconds]),
        .message("input_audio_buffer.speech_stopped", ["item_id": .identifier, "audio_end_ms": milliseconds]),
        .message(
            "input_audio_buffer.timeout_triggered",
            ["item_id": .identifier, "audio_start_ms": milliseconds, "audio_end_ms": milliseconds]),
        .message("response.created", ["response": response]), .message("response.done", ["response": response]),
        .message("response.output_item.added", ["response_id": .identifier, "item": item]),
        .message("response.output_item.done", ["response_id": .identifier, "item": item]),
        .message("response.output_audio.done", output),
        .message(
            "response.output_audio_transcript.delta",
            ["response_id": .identifier, "item_id": .identifier, "delta": .text]),
        .message(
            "response.output_audio_transcript.done",
            ["response_id": .identifier, "item_id": .identifier, "transcript": .text]),
        .message("response.output_text.delta", ["response_id": .identifier, "item_id": .identifier, "delta": .text]),
        .message(
            "response.function_call_arguments.done",
            [
                "response_id": .identifier, "item_id": .identifier, "call_id": .identifier,
                "arguments": .oneOf(["{}", "{\"a\":"]),
            ],
            optional: ["name": .oneOf(["end_interview", "", "other"])]),
        .message(
            "rate_limits.updated",
            ["rate_limits": .list(.fields(["name": .text], optional: ["limit": count, "remaining": .number]), upTo: 3)]),
        .message("response.content_part.added", optional: ["x": .anything]),
        .message(
            "response.of.a.later.version.with.a.name.that.is.longer.than.sixty.four.bytes.é", optional: ["x": .anything]
        ),
    ]

    static let words =
        Dictionary.json
        + Dictionary.words(
            "\u{1E}", "\u{1E}\u{1}", "\u{1E}\u{2}", "\u{1E}\u{3}item_1", "\u{1E}\u{4}call_1", "error",
            "session.created",
            "session.updated", "response.created", "response.done", "response.output_audio.delta",
            "conversation.item.added",
            "item_id", "response_id", "delta", "event_id", "setup", "answer", "usage", "input_tokens", "cached_tokens",
            "audio_tokens", "seconds", "status", "completed", "cancelled", "failed", "incomplete", "expires_at",
            "audio_end_ms",
            "session_expired", "insufficient_quota", "item_1", "resp_1")
}
