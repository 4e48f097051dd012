import InterviewCore
import Testing

@Suite("Price")
struct PriceTests {
    /// gpt-realtime-1.5.
    static let speech = Price(
        textIn: 4_000_000, cachedTextIn: 400_000, audioIn: 32_000_000, cachedAudioIn: 400_000, imageIn: 5_000_000,
        cachedImageIn: 500_000, textOut: 16_000_000, audioOut: 64_000_000, perMinute: 0)
    static let minutes = Price(
        textIn: 0, cachedTextIn: 0, audioIn: 0, cachedAudioIn: 0, imageIn: 0, cachedImageIn: 0, textOut: 0, audioOut: 0,
        perMinute: 17_000)

    static let table: [(String, Price, Usage, Int64)] = [
        ("nothing is free", speech, Usage(), 0),
        ("a text token at $4 a million is 4", speech, Usage(textIn: 1), 4),
        ("a cached one is 0.4, rounded up", speech, Usage(textIn: 1, cachedTextIn: 1), 1),
        (
            "rounded once, not thrice", speech,
            Usage(textIn: 1, audioIn: 1, imageIn: 1, cachedTextIn: 1, cachedAudioIn: 1, cachedImageIn: 1), 2
        ),
        ("the cached part is taken out of the input", speech, Usage(textIn: 100, cachedTextIn: 40), 60 * 4 + 16),
        (
            "the vendor's example", speech,
            Usage(textIn: 119, audioIn: 44, cachedTextIn: 64, cachedAudioIn: 32, textOut: 20, audioOut: 138),
            // 55 × 4 + 64 × 0.4 + 12 × 32 + 32 × 0.4 + 20 × 16 + 138 × 64 = 9,794.4
            9_795
        ),
        ("a minute of the participant is $0.0192", speech, Usage(audioIn: 600), 19_200),
        ("a minute of the agent is $0.0768", speech, Usage(audioOut: 1_200), 76_800),
        ("time is billed by the millisecond", minutes, Usage(milliseconds: 60_000), 17_000),
        ("1 ms is rounded up", minutes, Usage(milliseconds: 1), 1),
        ("3,529 ms are 999.88", minutes, Usage(milliseconds: 3_529), 1_000),
        (
            "negative counts are 0", speech,
            Usage(textIn: -5, audioIn: .min, cachedTextIn: -1, textOut: -3, milliseconds: -9), 0
        ),
        ("cached beyond the input is the input", speech, Usage(textIn: 10, cachedTextIn: 1_000), 4),
        ("absurd counts are the largest that make sense", speech, Usage(audioOut: .max), 6_400_000_000),
    ]

    @Test("cost is the sum of tokens × price, rounded up once", arguments: table.indices)
    func cost(index: Int) {
        let (name, price, usage, micros) = Self.table[index]
        #expect(price.cost(of: usage) == micros, "\(name)")
    }

    @Test("the largest usage at the largest price does not overflow, nor does a price out of range")
    func overflow() {
        let most = Usage(
            textIn: .max, audioIn: .max, imageIn: .max, cachedTextIn: .max, cachedAudioIn: .max, cachedImageIn: .max,
            textOut: .max, audioOut: .max, milliseconds: .max)
        for micros in [Price.maxMicros, Int64.max] {
            let dear = Price(
                textIn: micros, cachedTextIn: micros, audioIn: micros, cachedAudioIn: micros, imageIn: micros,
                cachedImageIn: micros, textOut: micros, audioOut: micros, perMinute: micros)
            // Inputs are wholly cached: five kinds at 10⁸ tokens, and a day.
            #expect(dear.cost(of: most) == 5 * 100_000_000 * 1_000 + 1_440 * 1_000_000_000)
        }
        let negative = Price(
            textIn: -1, cachedTextIn: -1, audioIn: -1, cachedAudioIn: -1, imageIn: -1, cachedImageIn: -1, textOut: -1,
            audioOut: -1, perMinute: .min)
        #expect(negative.cost(of: most) == 0)
    }

    @Test("an unknown model is an error, never free")
    func unknown() throws {
        let book = PriceBook(["known": Self.speech])
        #expect(try book.cost(of: Usage(textIn: 1), model: "known") == 4)
        #expect(throws: BudgetError.unknownModel("other")) { try book.cost(of: Usage(), model: "other") }
    }

    @Test(
        "a lost answer is charged by its seconds, begun tokens whole",
        arguments: [
            (Duration.zero, Duration.zero, 0, 0), (.milliseconds(1), .milliseconds(1), 1, 1),
            (.milliseconds(100), .milliseconds(50), 1, 1), (.milliseconds(101), .milliseconds(51), 2, 2),
            (.seconds(60), .seconds(60), 600, 1_200), (.seconds(-1), .nanoseconds(1), 0, 1),
            (.seconds(1_000_000_000), .zero, 864_000, 0),
        ])
    func estimate(audioIn: Duration, audioOut: Duration, tokensIn: Int, tokensOut: Int) {
        #expect(Usage.estimate(audioIn: audioIn, audioOut: audioOut) == Usage(audioIn: tokensIn, audioOut: tokensOut))
    }

    @Test("the cached share counts all kinds of input")
    func cachedShare() {
        let usage = Usage(textIn: 100, audioIn: 50, imageIn: 10, cachedTextIn: 80, cachedAudioIn: 60, audioOut: 9)
        #expect(usage.inputTokens == 160)
        #expect(usage.cachedInputTokens == 130)
    }
}
