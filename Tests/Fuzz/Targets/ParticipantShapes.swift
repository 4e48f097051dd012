/// The text messages of `voiced.v1`, for the grammar.
enum ParticipantShapes {
    private static let milliseconds = Shape.integer(0...86_400_000)
    private static let timestamp = Shape.integer(0...4_294_967_295)
    private static let format = Shape.oneOf(["opus", "pcm"])

    static let client: [Shape] = [
        .message(
            "hello",
            ["protocol": .integer(1...1), "client": .identifier, "agent": .oneOf(["voiced-page 1.0", "load/2"])],
            optional: [
                "audio": .fields(["up": format, "down": format]),
                "resume": .fields(["item": .identifier, "played_ms": milliseconds]),
            ]),
        .message("played", ["item": .identifier, "ms": milliseconds]),
        .message("mute", ["on": .flag]),
        .message("beat"), .message("leave"),
        .message(
            "stats",
            optional: [
                "rtt_ms": milliseconds, "mic_dbfs": .integer(-100...0), "underruns": .integer(0...9),
                "codec": .oneOf(["opus"]), "device": .oneOf(["headset", "built-in"]),
            ]),
        .message("later_version", optional: ["x": .anything]),
    ]

    static let agent: [Shape] = [
        .message(
            "welcome",
            [
                "session": .oneOf(["k7-Zq_0"]), "resumed": .flag, "rejoin_token": .oneOf(["a.b.c"]), "phase": .text,
                "language": .oneOf(["en", "pt-BR"]),
                "limits": .fields(["ends_in_ms": milliseconds, "rejoin_ms": milliseconds]),
            ], optional: ["url": .oneOf(["wss://a.example"]), "resend_from": timestamp]),
        .message("prepared"), .message("beat"),
        .message("state", ["state": .oneOf(["talking", "listening", "thinking", "reconnecting", "wrapping_up"])]),
        .message("item", ["item": .identifier, "start_timestamp": timestamp]),
        .message("flush", ["item": .identifier]),
        .message(
            "transcript",
            ["role": .oneOf(["participant", "agent"]), "item": .identifier, "text": .text, "final": .flag]),
        .message("ack", ["timestamp": timestamp]),
        .message("move", ["token": .oneOf(["a.b.c"]), "deadline_ms": milliseconds], optional: ["url": .text]),
        .message("cost", ["micros": .integer(0...9_000_000_000_000_000_000)]),
        .message(
            "bye", ["reason": .oneOf(["moved", "restart", "completed"])], optional: ["rejoin_in_ms": milliseconds]),
        .message("error", ["code": .oneOf(["bad_frame"]), "message": .text]),
    ]

    static let words =
        Dictionary.json
        + Dictionary.words(
            #""type":"#, "hello", "played", "mute", "stats", "beat", "leave", "welcome", "transcript", "item", "bye",
            "resume",
            "audio", "opus", "pcm", "client", "agent", "protocol", "played_ms", "ms", "on", "text", "limits", "final",
            "url")

    /// One message of each shape without anything odd, by a fixed seed.
    static func examples(_ shapes: [Shape]) -> [[UInt8]] {
        shapes.enumerated().map { index, shape in
            var random = Random(seed: 1, target: "examples", index: UInt64(index))
            var grammar = JSONGrammar(oddity: 0)
            grammar.write(shape, &random)
            return grammar.bytes
        }
    }
}
