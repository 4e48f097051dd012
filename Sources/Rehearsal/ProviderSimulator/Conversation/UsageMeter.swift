/// Counts what each response is billed: the whole conversation as input every time, the part that the last prompt had
/// in common with it as cached.
package struct UsageMeter: Sendable {
    /// What stands before the conversation: instructions and tools.
    package struct Preamble: Equatable, Sendable {
        package var instructions: String
        /// JSON text.
        package var tools: String

        package init(instructions: String, tools: String) {
            self.instructions = instructions
            self.tools = tools
        }
        package var tokens: TokenCount {
            TokenCount(text: TokenCount.text(instructions) + (tools == "[]" ? 0 : TokenCount.text(tools)))
        }
    }
    package struct Prompt: Equatable, Sendable {
        package var input: TokenCount
        package var cached: TokenCount

        package init(input: TokenCount, cached: TokenCount) {
            self.input = input
            self.cached = cached
        }
    }
    private struct Part: Equatable, Sendable {
        var id: String
        var revision: Int
        var tokens: TokenCount
    }

    /// The vendor caches whole blocks of this many tokens.
    package static let cacheBlock = 64
    /// Prompts that later ones may begin like. An answer with instructions of its own begins differently and leaves the
    /// others where they are.
    private static let rememberedPrompts = 4
    /// The latest prompt of each preamble, the newest last.
    private var remembered: [(preamble: Preamble, parts: [Part])] = []

    package init() {}

    /// `remembers`: whether later prompts can find this one in the cache; those beside the conversation do not.
    package mutating func prompt(
        preamble: Preamble, items: some Sequence<ConversationItem>, remembers: Bool = true
    ) -> Prompt {
        let parts = items.map { Part(id: $0.id, revision: $0.revision, tokens: $0.tokens) }
        let input = parts.reduce(preamble.tokens) { $0 + $1.tokens }
        var common = TokenCount()
        let index = remembered.firstIndex { $0.preamble == preamble }
        if let index {
            let last = remembered[index].parts
            common = zip(parts, last).prefix { $0 == $1 }.reduce(preamble.tokens) { $0 + $1.0.tokens }
        }
        if remembers {
            if let index { remembered.remove(at: index) }
            if remembered.count == Self.rememberedPrompts { remembered.removeFirst() }
            remembered.append((preamble, parts))
        }
        return Prompt(input: input, cached: Self.wholeBlocks(common))
    }

    private static func wholeBlocks(_ tokens: TokenCount) -> TokenCount {
        TokenCount(
            text: tokens.text / cacheBlock * cacheBlock, audio: tokens.audio / cacheBlock * cacheBlock,
            image: tokens.image / cacheBlock * cacheBlock)
    }

    /// `usage` of `response.done`.
    package static func json(_ prompt: Prompt, output: TokenCount) -> JSON {
        [
            "total_tokens": .integer(prompt.input.total + output.total),
            "input_tokens": .integer(prompt.input.total), "output_tokens": .integer(output.total),
            "input_token_details": [
                "text_tokens": .integer(prompt.input.text), "audio_tokens": .integer(prompt.input.audio),
                "image_tokens": .integer(prompt.input.image), "cached_tokens": .integer(prompt.cached.total),
                "cached_tokens_details": [
                    "text_tokens": .integer(prompt.cached.text), "audio_tokens": .integer(prompt.cached.audio),
                    "image_tokens": .integer(prompt.cached.image),
                ],
            ],
            "output_token_details": ["text_tokens": .integer(output.text), "audio_tokens": .integer(output.audio)],
        ]
    }

    /// `usage` of a finished input transcription, which is billed apart: by duration or by tokens, as the model is.
    package static func transcriptionJSON(model: String, milliseconds: Int, transcript: String) -> JSON {
        switch model {
        case "whisper-1", "gpt-realtime-whisper", "gpt-live-transcribe":
            return ["type": "duration", "seconds": .number(Double(milliseconds) / 1_000)]
        default:
            let audio = TokenCount.userAudio(milliseconds: milliseconds)
            let output = TokenCount.text(transcript)
            return [
                "type": "tokens", "input_tokens": .integer(audio), "output_tokens": .integer(output),
                "total_tokens": .integer(audio + output),
                "input_token_details": ["audio_tokens": .integer(audio), "text_tokens": 0],
            ]
        }
    }
}
