import ProviderSimulator
import Testing

@Suite struct UsageMeterTests {
    private let preamble = UsageMeter.Preamble(instructions: String(repeating: "i", count: 400), tools: "[]")

    private func user(_ id: String, milliseconds: Int) -> ConversationItem {
        ConversationItem(
            id: id, body: .message(.user, [.inputAudio(milliseconds: milliseconds, transcript: "ignored", audio: nil)]))
    }
    private func agent(_ id: String, milliseconds: Int) -> ConversationItem {
        ConversationItem(
            id: id,
            body: .message(
                .assistant, [.outputAudio(milliseconds: milliseconds, transcript: "eight by", audio: nil)]))
    }

    @Test("sound is 1 token to 100 ms from the participant, 1 to 50 ms from the model, both rounded up")
    func tokens() {
        #expect(user("u", milliseconds: 2_301).tokens == TokenCount(audio: 24))
        #expect(agent("a", milliseconds: 2_301).tokens == TokenCount(text: 2, audio: 47))
        #expect(TokenCount.userAudio(milliseconds: 0) == 0)
    }

    @Test("every prompt bills the whole conversation; what it shares with the last one is cached in blocks of 64")
    func growth() {
        var meter = UsageMeter()
        var items: [ConversationItem] = []
        let first = meter.prompt(preamble: preamble, items: items)
        #expect(first == .init(input: TokenCount(text: 100), cached: TokenCount()))
        items += [agent("a", milliseconds: 5_000), user("u", milliseconds: 7_000)]
        let second = meter.prompt(preamble: preamble, items: items)
        #expect(second == .init(input: TokenCount(text: 102, audio: 170), cached: TokenCount(text: 64)))
        items += [agent("b", milliseconds: 1_000)]
        let third = meter.prompt(preamble: preamble, items: items)
        #expect(third == .init(input: TokenCount(text: 104, audio: 190), cached: TokenCount(text: 64, audio: 128)))
    }

    @Test("a changed item ends the cached part, changed instructions empty it")
    func changes() {
        var meter = UsageMeter()
        var items = [user("u", milliseconds: 7_000), agent("a", milliseconds: 5_000), user("v", milliseconds: 9_000)]
        _ = meter.prompt(preamble: preamble, items: items)
        items[1].revision += 1
        #expect(meter.prompt(preamble: preamble, items: items).cached == TokenCount(text: 64, audio: 64))
        var other = preamble
        other.instructions += "!"
        #expect(meter.prompt(preamble: other, items: items).cached == TokenCount())
        #expect(meter.prompt(preamble: preamble, items: items).cached == TokenCount(text: 64, audio: 256))
    }

    @Test("a response beside the conversation leaves the cache alone")
    func beside() {
        var meter = UsageMeter()
        let items = [user("u", milliseconds: 7_000)]
        _ = meter.prompt(preamble: preamble, items: items)
        _ = meter.prompt(preamble: preamble, items: [], remembers: false)
        #expect(meter.prompt(preamble: preamble, items: items).cached == TokenCount(text: 64, audio: 64))
    }

    @Test("the usage object adds up and its cached part is within its input")
    func json() throws {
        let prompt = UsageMeter.Prompt(
            input: TokenCount(text: 200, audio: 130), cached: TokenCount(text: 128, audio: 64))
        let usage = UsageMeter.json(prompt, output: TokenCount(text: 9, audio: 100))
        #expect(usage["input_tokens"] == 330)
        #expect(usage["output_tokens"] == 109)
        #expect(usage["total_tokens"] == 439)
        #expect(usage["input_token_details"]?["cached_tokens"] == 192)
        #expect(usage["input_token_details"]?["cached_tokens_details"]?["audio_tokens"] == 64)
        #expect(usage["output_token_details"]?["audio_tokens"] == 100)
    }

    @Test("transcription is billed by duration or by tokens, as its model is")
    func transcription() {
        let whisper = UsageMeter.transcriptionJSON(model: "whisper-1", milliseconds: 2_500, transcript: "word")
        #expect(whisper == ["type": "duration", "seconds": 2.5])
        let tokens = UsageMeter.transcriptionJSON(model: "gpt-4o-transcribe", milliseconds: 2_500, transcript: "words")
        #expect(tokens["input_tokens"] == 25)
        #expect(tokens["total_tokens"] == 27)
    }
}
