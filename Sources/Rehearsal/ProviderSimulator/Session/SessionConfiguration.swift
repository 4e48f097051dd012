/// The effective configuration of a session: the object that `session.updated` shows, and what of it matters here.
package struct SessionConfiguration: Sendable {
    /// As the client sees it, without `id`, `object` and `expires_at`.
    package private(set) var document: JSONObject

    package init(model: String) {
        document = [
            "type": "realtime", "model": .string(model), "output_modalities": ["audio"],
            "instructions": .string(Self.defaultInstructions), "tools": [], "tool_choice": "auto",
            "max_output_tokens": "inf", "truncation": "auto", "prompt": .null, "tracing": .null, "include": .null,
            "audio": [
                "input": [
                    "format": AudioFormat.pcm.json, "transcription": .null, "noise_reduction": .null,
                    "turn_detection": .object(TurnDetection.defaults(of: "server_vad")),
                ],
                "output": ["format": AudioFormat.pcm.json, "voice": "alloy", "speed": 1.0],
            ],
        ]
    }

    private static let defaultInstructions =
        "You are a helpful, witty, and friendly AI. Act like a human, but remember that you are not one. Your voice and "
        + "personality should be warm and engaging, with a lively and playful tone. Talk quickly."

    /// Takes the `session` of a `session.update`: all of it or, on an error, nothing.
    package mutating func apply(_ patch: JSON, voiceIsFixed: Bool) throws(ClientError) {
        try Shape.session.check(patch, at: "session")
        guard let patch = patch.object else { return }
        try Self.checkModalities(patch["output_modalities"], at: "session.output_modalities")
        if let model = patch["model"], model != document["model"] {
            throw .invalid("session.model", "Model cannot be changed once a session has begun.")
        }
        if let voice = patch["audio"]?["output"]?["voice"], voice != output["voice"], voiceIsFixed {
            throw ClientError(
                "cannot_update_voice", "Cannot update a conversation's voice if assistant audio is present.",
                param: "session.audio.output.voice")
        }
        if let tracing = document["tracing"], tracing != .null, let new = patch["tracing"], new != tracing {
            throw .invalid("session.tracing", "Tracing cannot be changed once it is enabled.")
        }
        var merged = Self.merge(.object(document), .object(patch), at: []).object ?? document
        try Self.completeTurnDetection(&merged, previous: turnDetectionJSON)
        try Self.checkTranscription(merged["audio"]?["input"])
        document = merged
    }

    /// Never both: sound always comes with its transcript.
    static func checkModalities(_ value: JSON?, at path: String) throws(ClientError) {
        guard let value else { return }
        guard value == ["audio"] || value == ["text"] else {
            throw .unsupported(path, value: value.text, supported: ["['text']", "['audio']"])
        }
    }

    private static func checkTranscription(_ input: JSON?) throws(ClientError) {
        guard let transcription = input?["transcription"]?.object else { return }
        let path = "session.audio.input.transcription"
        guard let model = transcription["model"]?.string else { throw .missing("\(path).model") }
        let hinted = ["gpt-transcribe", "gpt-live-transcribe"].contains(model)
        for name in ["keywords", "languages"] where transcription[name] != nil && !hinted {
            throw .invalid("\(path).\(name)", "'\(name)' is not supported by model '\(model)'.")
        }
        guard transcription["delay"] != nil else { return }
        guard model == "gpt-realtime-whisper", input?["turn_detection"] == .null else {
            throw .invalid("\(path).delay", "'delay' needs model 'gpt-realtime-whisper' and turn_detection null.")
        }
    }

    /// A partial object of the same type changes the old one, another type starts from that type's defaults.
    private static func completeTurnDetection(_ merged: inout JSONObject, previous: JSON?) throws(ClientError) {
        guard var audio = merged["audio"]?.object, var input = audio["input"]?.object,
            let new = input["turn_detection"]?.object, let type = new["type"]?.string
        else { return }
        var complete = TurnDetection.defaults(of: type)
        if let old = previous?.object, old["type"]?.string == type {
            for member in old.members { complete[member.key] = member.value }
        }
        for member in new.members { complete[member.key] = member.value }
        input["turn_detection"] = .object(complete)
        audio["input"] = .object(input)
        merged["audio"] = .object(audio)
    }

    /// Objects on the way to a setting are merged, settings that are objects themselves are replaced.
    private static let mergedPaths: Set<[String]> = [[], ["audio"], ["audio", "input"], ["audio", "output"]]
    private static func merge(_ old: JSON, _ new: JSON, at path: [String]) -> JSON {
        guard mergedPaths.contains(path), var object = old.object, let patch = new.object else { return new }
        for member in patch.members {
            object[member.key] = merge(object[member.key] ?? .null, member.value, at: path + [member.key])
        }
        return .object(object)
    }
}

extension SessionConfiguration {
    private var input: JSON { document["audio"]?["input"] ?? [:] }
    private var output: JSON { document["audio"]?["output"] ?? [:] }
    private var turnDetectionJSON: JSON? { input["turn_detection"] }

    package var model: String { document["model"]?.string ?? "" }
    package var turnDetection: TurnDetection? { TurnDetection(turnDetectionJSON) }
    package var inputFormat: AudioFormat { Self.format(input) }
    package var outputFormat: AudioFormat { Self.format(output) }
    /// Nil: the participant's turns are not transcribed.
    package var transcriptionModel: String? { input["transcription"]?["model"]?.string }
    package var speed: Double { output["speed"]?.double ?? 1 }
    package var voice: JSON { output["voice"] ?? "alloy" }

    /// The model's context and how much of it stays when it overflows; nil: never dropped, an error instead.
    package var contextLimit: (limit: Int, goal: Int)? {
        let large = model.hasPrefix("gpt-realtime-2.") || model == "gpt-realtime-2"
        var limit = large ? 96_000 : 28_224
        switch document["truncation"] {
        case .string("disabled"): return nil
        case .object(let truncation):
            limit = min(limit, truncation["token_limits"]?["post_instructions"]?.integer ?? limit)
            let ratio = truncation["retention_ratio"]?.double ?? 1
            return (limit, Int(Double(limit) * min(max(ratio, 0), 1)))
        default: return (limit, limit)
        }
    }

    static func format(_ part: JSON?) -> AudioFormat {
        part?["format"]?["type"]?.string.flatMap(AudioFormat.init(rawValue:)) ?? .pcm
    }
}
