/// What holds for one response: the session's configuration with the overrides of its `response.create`.
struct ResponseSettings {
    var isInConversation = true
    var speaksAloud: Bool
    var instructions: String
    var format: AudioFormat
    var voice: JSON
    var speed: Double
    /// JSON, as the session or the override lists them.
    var tools: [JSON]
    var toolChoice: JSON
    /// Nil: no limit.
    var maximumTokens: Int?
    var metadata: JSON = .null
    /// Nil: the conversation. Checked by the session, which knows the items that are referred to.
    var input: [JSON]?

    init(_ configuration: SessionConfiguration) {
        let document = configuration.document
        speaksAloud = document["output_modalities"] != ["text"]
        instructions = document["instructions"]?.string ?? ""
        format = configuration.outputFormat
        voice = configuration.voice
        speed = configuration.speed
        tools = document["tools"]?.array ?? []
        toolChoice = document["tool_choice"] ?? "auto"
        maximumTokens = document["max_output_tokens"]?.integer
    }

    mutating func override(_ response: JSON) throws(ClientError) {
        try Shape.response.check(response, at: "response")
        guard let response = response.object else { return }
        try SessionConfiguration.checkModalities(response["output_modalities"], at: "response.output_modalities")
        isInConversation = response["conversation"]?.string != "none"
        if let modalities = response["output_modalities"] { speaksAloud = modalities != ["text"] }
        if let text = response["instructions"]?.string { instructions = text }
        if let output = response["audio"]?["output"] {
            if output["format"] != nil { format = SessionConfiguration.format(output) }
            if let voice = output["voice"] { self.voice = voice }
        }
        if let tools = response["tools"]?.array { self.tools = tools }
        if let choice = response["tool_choice"] { toolChoice = choice }
        if let limit = response["max_output_tokens"] { maximumTokens = limit.integer }
        input = response["input"]?.array
        if let metadata = response["metadata"] {
            try Self.checkMetadata(metadata)
            self.metadata = metadata
        }
    }

    /// At most 16 pairs, keys up to 64 and values up to 512 characters.
    private static func checkMetadata(_ metadata: JSON) throws(ClientError) {
        guard metadata != .null else { return }
        guard let pairs = metadata.object else {
            throw .wrongType("response.metadata", expected: "an object", got: metadata)
        }
        guard pairs.members.count <= 16 else {
            throw .invalid("response.metadata", "Invalid 'response.metadata': more than 16 pairs.")
        }
        for pair in pairs.members {
            try Shape.string(maximumLength: 64).check(.string(pair.key), at: "response.metadata")
            try Shape.string(maximumLength: 512).check(pair.value, at: "response.metadata.\(pair.key.prefix(64))")
        }
    }

    var preamble: UsageMeter.Preamble {
        UsageMeter.Preamble(instructions: instructions, tools: JSON.array(tools).text)
    }

    func defines(_ name: String) -> Bool { tools.contains { $0["name"]?.string == name } }

    /// The call that `tool_choice` demands; nil: the model is free.
    var demandedCall: String? {
        if let name = toolChoice["name"]?.string { return name }
        return toolChoice == "required" ? tools.first?["name"]?.string : nil
    }
    var forbidsCalls: Bool { toolChoice == "none" }
}
