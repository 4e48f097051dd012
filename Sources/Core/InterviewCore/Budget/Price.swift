/// What one model costs, in integer micro-dollars: per million tokens of each modality, and per minute where time is
/// billed. ($4.00 per million tokens are 4,000,000.) Complete on purpose: a modality without a price of its own has
/// been given one by `PriceFile`, so that nothing is ever free by omission.
package struct Price: Hashable, Sendable {
    package var textIn: Int64
    package var cachedTextIn: Int64
    package var audioIn: Int64
    package var cachedAudioIn: Int64
    package var imageIn: Int64
    package var cachedImageIn: Int64
    package var textOut: Int64
    package var audioOut: Int64
    /// For usage in milliseconds.
    package var perMinute: Int64

    package init(
        textIn: Int64, cachedTextIn: Int64, audioIn: Int64, cachedAudioIn: Int64, imageIn: Int64, cachedImageIn: Int64,
        textOut: Int64, audioOut: Int64, perMinute: Int64
    ) {
        self.textIn = textIn
        self.cachedTextIn = cachedTextIn
        self.audioIn = audioIn
        self.cachedAudioIn = cachedAudioIn
        self.imageIn = imageIn
        self.cachedImageIn = cachedImageIn
        self.textOut = textOut
        self.audioOut = audioOut
        self.perMinute = perMinute
    }

    /// $1,000 per million tokens, or per minute. With `Usage.maxTokens` and `Usage.maxMilliseconds` it keeps the sum of
    /// `cost(of:)` within 64 bits: 3 × 8 × 10⁸ × 10⁹ + 50 × 8.64 × 10⁷ × 10⁹ = 6.7 × 10¹⁸.
    package static let maxMicros: Int64 = 1_000_000_000

    /// ⌈Σ tokens × price / 10⁶ + milliseconds × price / 60,000⌉ micro-dollars, rounded once. Counts come from a peer:
    /// negative ones are 0, absurd ones the largest that make sense, cached ones never more than their inputs.
    package func cost(of usage: Usage) -> Int64 {
        let tokens = usage.clamped
        let parts: [(Int, Int64)] = [
            (tokens.textIn - tokens.cachedTextIn, textIn), (tokens.cachedTextIn, cachedTextIn),
            (tokens.audioIn - tokens.cachedAudioIn, audioIn), (tokens.cachedAudioIn, cachedAudioIn),
            (tokens.imageIn - tokens.cachedImageIn, imageIn), (tokens.cachedImageIn, cachedImageIn),
            (tokens.textOut, textOut), (tokens.audioOut, audioOut),
        ]
        // Common denominator of a millionth and a 60,000th: three million.
        var threeMillionths: Int64 = 0
        for (count, price) in parts { threeMillionths += 3 * Int64(count) * Self.clamp(price) }
        threeMillionths += 50 * Int64(tokens.milliseconds) * Self.clamp(perMinute)
        return (threeMillionths + 2_999_999) / 3_000_000
    }

    private static func clamp(_ price: Int64) -> Int64 { min(max(price, 0), maxMicros) }
}

/// Why there is no price.
package enum BudgetError: Error, Hashable, Sendable {
    /// Not in the price file: a configuration error, never free.
    case unknownModel(String)
    /// The file names a price that is negative, above `Price.maxMicros`, or none at all.
    case badPrice(model: String, field: String)
}

/// The prices of all models, by name.
package struct PriceBook: Hashable, Sendable {
    package private(set) var prices: [String: Price]

    package init(_ prices: [String: Price]) { self.prices = prices }

    package var models: [String] { prices.keys.sorted() }

    package func price(of model: String) throws(BudgetError) -> Price {
        guard let price = prices[model] else { throw .unknownModel(model) }
        return price
    }

    /// Micro-dollars.
    package func cost(of usage: Usage, model: String) throws(BudgetError) -> Int64 {
        try price(of: model).cost(of: usage)
    }
}
