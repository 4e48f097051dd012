/// Bodies of REST and of the admin socket, for the grammar.
enum DocumentShapes {
    private static let limits = Shape.fields(
        [:],
        optional: [
            "idle_seconds": .integer(10...3_600), "hard_limit_seconds": .integer(60...86_400),
            "rejoin_seconds": .integer(10...86_400), "budget_micros": .integer(10_000...1_000_000_000),
        ])
    static let study = Shape.fields(
        ["language": .oneOf(["en", "pt-BR", "de"]), "instructions": .oneOf(["Ask about work.", "Frag nach."])],
        optional: [
            "id": .oneOf(["demo"]), "name": .text, "greeting": .text, "voice": .oneOf(["marin"]), "limits": limits,
        ])
    static let prices = Shape.fields([
        "models": .fields([
            "gpt-realtime-2.1": .fields(
                [
                    "source": .text, "checked": .oneOf(["2026-11-22"]), "text_in": .integer(0...9_000_000),
                    "audio_in": .integer(0...90_000_000), "text_out": .integer(0...90_000_000),
                ],
                optional: [
                    "cached_text_in": .integer(0...9_000_000), "audio_out": .integer(0...90_000_000), "note": .text,
                    "per_minute": .integer(0...1_000_000_000),
                ]),
            "gpt-transcribe": .fields(["source": .text, "checked": .text, "per_minute": .integer(0...1_000_000_000)]),
        ])
    ])
    private static let session = Shape.fields(
        [
            "id": .identifier, "study": .identifier, "participant": .text,
            "state": .oneOf(["scheduled", "active", "interrupted", "ended"]), "created_at": .text, "expires_at": .text,
            "active_ms": .integer(0...9_000_000), "cost_micros": .integer(0...9_000_000_000),
        ],
        optional: [
            "reason": .oneOf(["completed", "participant_left"]),
            "turns": .list(
                .fields([
                    "speaker": .oneOf(["agent", "participant"]), "start_ms": .integer(0...9), "end_ms": .integer(0...9),
                ]),
                upTo: 2),
        ])
    private static let turn = Shape.fields(
        [
            "speaker": .oneOf(["agent", "participant"]), "item": .identifier, "start_ms": .integer(0...9_000_000),
            "end_ms": .integer(0...9_000_000),
        ],
        optional: [
            "text": .text, "capture_start": .integer(0...4_294_967_295), "capture_end": .integer(0...4_294_967_295),
            "client": .identifier, "phase": .text, "heard_ms": .integer(0...9_000),
        ])

    /// In the order of `DocumentTarget.Kind`.
    static let all: [Shape] = [
        study,
        .fields(
            ["study": .oneOf(["demo"])], optional: ["participant": .text, "expires_in_s": .integer(60...2_592_000)]),
        .fields([:], optional: ["detail": .text]), .fields([:], optional: ["timeout_s": .integer(0...86_400)]),
        prices, session,
        .fields(["code": .identifier, "message": .text], optional: ["field": .text]),
        turn,
        .fields(
            [
                "provider": .identifier, "model": .identifier, "response": .identifier,
                "micros": .integer(0...9_000_000),
                "estimated": .flag,
                "usage": .fields([
                    "text_in": .integer(0...9), "audio_in": .integer(0...9), "image_in": .integer(0...9),
                    "cached_text_in": .integer(0...9), "cached_audio_in": .integer(0...9),
                    "cached_image_in": .integer(0...9),
                    "text_out": .integer(0...9), "audio_out": .integer(0...9), "ms": .integer(0...9),
                ]),
            ]),
        .fields(["reason": .oneOf(["completed", "error"])], optional: ["detail": .text]),
    ]

    static let words =
        Dictionary.json
        + Dictionary.words(
            "id", "language", "instructions", "limits", "idle_seconds", "budget_micros", "study", "participant",
            "expires_in_s", "detail", "timeout_s", "models", "text_in", "per_minute", "speaker", "start_ms", "usage",
            "reason")
}
