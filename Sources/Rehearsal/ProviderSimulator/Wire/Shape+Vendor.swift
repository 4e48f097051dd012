/// The vendor's schema (OpenAI Realtime, GA) as far as clients write it; names and ranges from the types of the
/// official Python client 3.57.
extension Shape {
    package static let voiceNames = [
        "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar",
    ]
    package static let transcriptionModels = [
        "whisper-1", "gpt-transcribe", "gpt-live-transcribe", "gpt-4o-mini-transcribe",
        "gpt-4o-mini-transcribe-2025-12-15", "gpt-4o-transcribe", "gpt-4o-transcribe-diarize", "gpt-realtime-whisper",
    ]
    /// Item and call ids longer than this are refused.
    package static let identifierLength = 32

    static let audioFormat = Shape.tagged(
        by: "type",
        ["audio/pcm": ["rate": .integer(24_000...24_000)], "audio/pcmu": [:], "audio/pcma": [:]])
    static let voice = Shape.either([
        .object(["id": .string(maximumLength: 128)], required: ["id"]), .oneOf(voiceNames),
    ])
    static let modalities = Shape.list(.oneOf(["audio", "text"]), maximumCount: 2)
    static let maximumTokens = Shape.either([.oneOf(["inf"]), .integer(1...4_096)])
    static let prompt = Shape.nullable(
        .object(["id": .string(), "version": .nullable(.string()), "variables": .anything], required: ["id"]))
    static let reasoning = Shape.object(["effort": .oneOf(["minimal", "low", "medium", "high", "xhigh"])])
    static let toolName = Shape.string(maximumLength: 64)
    static let tools = Shape.list(
        .tagged(
            by: "type",
            [
                "function": ["name": toolName, "description": .string(), "parameters": .anything],
                "mcp": [
                    "server_label": .string(), "server_url": .string(), "connector_id": .string(),
                    "authorization": .string(), "headers": .anything, "allowed_tools": .anything,
                    "require_approval": .anything, "server_description": .string(), "defer_loading": .boolean,
                    "allowed_callers": .anything, "tunnel_id": .string(),
                ],
            ],
            required: ["function": ["name"], "mcp": ["server_label"]]), maximumCount: 128)
    static let toolChoice = Shape.either([
        .tagged(
            by: "type", ["function": ["name": toolName], "mcp": ["server_label": .string(), "name": .string()]],
            required: ["function": ["name"], "mcp": ["server_label"]]),
        .oneOf(["none", "auto", "required"]),
    ])

    static let turnDetection = Shape.nullable(
        .tagged(
            by: "type",
            [
                "server_vad": [
                    "threshold": .number(0...1), "prefix_padding_ms": .integer(0...5_000),
                    "silence_duration_ms": .integer(0...10_000), "create_response": .boolean,
                    "interrupt_response": .boolean, "idle_timeout_ms": .nullable(.integer(5_000...30_000)),
                ],
                "semantic_vad": [
                    "eagerness": .oneOf(["low", "medium", "high", "auto"]), "create_response": .boolean,
                    "interrupt_response": .boolean,
                ],
            ]))
    static let transcription = Shape.nullable(
        .object(
            [
                "model": .oneOf(transcriptionModels), "language": .string(maximumLength: 16),
                "languages": .list(.string(maximumLength: 16), maximumCount: 16), "prompt": .string(),
                "keywords": .list(.string(), maximumCount: 256),
                "delay": .oneOf(["minimal", "low", "medium", "high", "xhigh"]),
            ]))

    package static let session = Shape.object(
        [
            "type": .oneOf(["realtime"]), "model": .string(maximumLength: 128), "output_modalities": modalities,
            "instructions": .string(), "tools": tools, "tool_choice": toolChoice, "parallel_tool_calls": .boolean,
            "reasoning": reasoning, "max_output_tokens": maximumTokens, "prompt": prompt,
            "audio": .object([
                "input": .object([
                    "format": audioFormat,
                    "noise_reduction": .nullable(
                        .object(
                            ["type": .oneOf(["near_field", "far_field"]), "strength": .number(0...1)],
                            required: ["type"])),
                    "transcription": transcription, "turn_detection": turnDetection,
                ]),
                "output": .object(["format": audioFormat, "voice": voice, "speed": .number(0.25...1.5)]),
            ]),
            "truncation": .either([
                .tagged(
                    by: "type",
                    [
                        "retention_ratio": [
                            "retention_ratio": .number(0...1),
                            "token_limits": .object(["post_instructions": .integer(0...1_000_000)]),
                        ]
                    ], required: ["retention_ratio": ["retention_ratio"]]),
                .oneOf(["auto", "disabled"]),
            ]),
            "tracing": .nullable(
                .either([
                    .object(["workflow_name": .string(), "group_id": .string(), "metadata": .anything]),
                    .oneOf(["auto"]),
                ])),
            "include": .nullable(.list(.oneOf(["item.input_audio_transcription.logprobs"]), maximumCount: 4)),
        ], required: ["type"])

    package static let response = Shape.object([
        "conversation": .oneOf(["auto", "none"]), "instructions": .string(), "output_modalities": modalities,
        "audio": .object(["output": .object(["format": audioFormat, "voice": voice])]), "tools": tools,
        "tool_choice": toolChoice, "parallel_tool_calls": .boolean, "reasoning": reasoning,
        "max_output_tokens": maximumTokens, "prompt": prompt, "metadata": .nullable(.anything),
        "input": .list(.anything, maximumCount: 1_024),
    ])

    private static let identifier = Shape.string(maximumLength: identifierLength)
    private static let common: [String: Shape] = [
        "id": identifier, "object": .oneOf(["realtime.item"]),
        "status": .oneOf(["completed", "incomplete", "in_progress"]),
    ]
    private static func item(_ members: [String: Shape]) -> [String: Shape] {
        common.merging(members) { first, _ in first }
    }
    package static let item = Shape.tagged(
        by: "type",
        [
            "message": item([
                "role": .oneOf(["system", "user", "assistant"]), "content": .list(.anything, maximumCount: 64),
            ]),
            "function_call": item(["name": toolName, "arguments": .string(), "call_id": identifier]),
            "function_call_output": item(["call_id": identifier, "output": .string()]),
        ],
        required: [
            "message": ["role", "content"], "function_call": ["name", "arguments"],
            "function_call_output": ["call_id", "output"],
        ])
    /// Which content each role may write. Assistant audio cannot be populated although the type exists.
    package static func content(of role: String) -> Shape {
        switch role {
        case "system": .tagged(by: "type", ["input_text": ["text": .string()]], required: ["input_text": ["text"]])
        case "assistant": .tagged(by: "type", ["output_text": ["text": .string()]], required: ["output_text": ["text"]])
        default:
            .tagged(
                by: "type",
                [
                    "input_text": ["text": .string()],
                    "input_audio": ["audio": .string(maximumLength: 24 << 20), "transcript": .nullable(.string())],
                    "input_image": [
                        "image_url": .string(maximumLength: 24 << 20), "detail": .oneOf(["auto", "low", "high"]),
                    ],
                ],
                required: ["input_text": ["text"], "input_audio": ["audio"], "input_image": ["image_url"]])
        }
    }

    /// Every client event: its members besides `type` and `event_id`, and those it cannot do without.
    package static let events: [String: (members: [String: Shape], required: [String])] = [
        "session.update": (["session": .anything], ["session"]),
        "input_audio_buffer.append": (["audio": .anything], ["audio"]),
        "input_audio_buffer.commit": ([:], []),
        "input_audio_buffer.clear": ([:], []),
        "conversation.item.create": (["item": .anything, "previous_item_id": .nullable(.string())], ["item"]),
        "conversation.item.retrieve": (["item_id": .string()], ["item_id"]),
        "conversation.item.delete": (["item_id": .string()], ["item_id"]),
        "conversation.item.truncate": (
            ["item_id": .string(), "content_index": .integer(0...64), "audio_end_ms": .integer(0...86_400_000)],
            ["item_id", "content_index", "audio_end_ms"]
        ),
        "response.create": (["response": .anything], []),
        "response.cancel": (["response_id": .nullable(.string())], []),
    ]
}
