import InterviewCore
import Testing

@Suite struct CostSheetTests {
    private func entry(
        _ model: String, _ usage: Usage, micros: Int64 = 10, estimated: Bool = false
    ) -> UsageEntry {
        UsageEntry(
            provider: "openai", model: model, response: "r", usage: usage, micros: micros, estimated: estimated)
    }

    @Test("records of one model add up, estimates apart")
    func sums() {
        var sheet = CostSheet()
        sheet.add(entry("a", Usage(textIn: 10, cachedTextIn: 4, audioOut: 7)))
        sheet.add(entry("a", Usage(textIn: 5), micros: 3, estimated: true))
        sheet.add(entry("b", Usage(milliseconds: 1_000), micros: 1))
        #expect(sheet.lines["a"]?.records == 2)
        #expect(sheet.lines["a"]?.usage == Usage(textIn: 15, cachedTextIn: 4, audioOut: 7))
        #expect(sheet.lines["a"]?.micros == 13)
        #expect(sheet.lines["a"]?.estimatedMicros == 3)
        #expect(sheet.estimatedMicros == 3)
        #expect(sheet.lines["b"]?.usage.milliseconds == 1_000)
    }

    @Test("a bounded number of models, and no sum that traps")
    func bounds() {
        var sheet = CostSheet()
        for number in 0..<100 { sheet.add(entry("m\(number)", Usage(textIn: .max), micros: .max, estimated: true)) }
        #expect(sheet.lines.count == CostSheet.mostModels + 1)
        #expect(sheet.lines[CostSheet.others]?.records == 100 - CostSheet.mostModels)
        #expect(sheet.estimatedMicros == .max)
    }

    @Test("parts are priced as in the price file; what is cached is not counted twice")
    func parts() {
        let price = Price(
            textIn: 4_000_000, cachedTextIn: 400_000, audioIn: 32_000_000, cachedAudioIn: 400_000, imageIn: 0,
            cachedImageIn: 0, textOut: 0, audioOut: 64_000_000, perMinute: 6_000)
        var sheet = CostSheet()
        sheet.add(
            entry(
                "a",
                Usage(
                    textIn: 1_000, audioIn: 500, cachedTextIn: 600, cachedAudioIn: 500, audioOut: 10,
                    milliseconds: 90_000), micros: 77))
        let cost = ModelCost(model: "a", line: sheet.lines["a"] ?? CostSheet.Line(), price: price)
        let expected = [
            CostPart(kind: "text_in", count: 400, micros: 1_600),
            CostPart(kind: "cached_text_in", count: 600, micros: 240),
            CostPart(kind: "cached_audio_in", count: 500, micros: 200),
            CostPart(kind: "audio_out", count: 10, micros: 640), CostPart(kind: "ms", count: 90_000, micros: 9_000),
        ]
        #expect(cost.parts == expected)
        #expect(cost.inputTokens == 1_500)
        #expect(cost.cachedTokens == 1_100)
        #expect(cost.micros == 77)
        let unpriced = ModelCost(model: "a", line: sheet.lines["a"] ?? CostSheet.Line(), price: nil)
        #expect(unpriced.parts.allSatisfy { $0.micros == 0 })
    }
}
