/// `Manifests/prices.yaml` as values; whoever reads the file hands its decoder in.
///
///     models:
///       gpt-realtime-2.1:
///         source: https://…
///         checked: 2026-11-22
///         text_in: 4_000_000        # micro-dollars per million tokens: $4.00
package struct PriceFile: Hashable, Sendable, Codable {
    /// By the model's name, as in the provider's configuration.
    package var models: [String: Entry]

    package init(models: [String: Entry]) { self.models = models }

    /// One model's prices as its vendor states them. Either tokens (`text_in`, `audio_in`, `text_out` at least), or
    /// `per_minute`, or both. A name that is not known is an error: a slip of the pen must not make anything free.
    package struct Entry: Hashable, Sendable, Codable {
        /// Where the figures come from, and when somebody last looked (year-month-day).
        package var source: String
        package var checked: String
        package var note: String?
        package var textIn: Int64?
        package var cachedTextIn: Int64?
        package var audioIn: Int64?
        package var cachedAudioIn: Int64?
        package var imageIn: Int64?
        package var cachedImageIn: Int64?
        package var textOut: Int64?
        package var audioOut: Int64?
        package var perMinute: Int64?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case source, checked, note
            case textIn = "text_in"
            case cachedTextIn = "cached_text_in"
            case audioIn = "audio_in"
            case cachedAudioIn = "cached_audio_in"
            case imageIn = "image_in"
            case cachedImageIn = "cached_image_in"
            case textOut = "text_out"
            case audioOut = "audio_out"
            case perMinute = "per_minute"
        }

        package init(source: String, checked: String) {
            self.source = source
            self.checked = checked
        }

        package init(from decoder: any Decoder) throws {
            let names = try decoder.container(keyedBy: AnyName.self)
            for name in names.allKeys where CodingKeys(stringValue: name.stringValue) == nil {
                throw DecodingError.dataCorruptedError(
                    forKey: name, in: names, debugDescription: "no such price: \(name.stringValue)")
            }
            let values = try decoder.container(keyedBy: CodingKeys.self)
            func price(_ key: CodingKeys) throws -> Int64? { try values.decodeIfPresent(Int64.self, forKey: key) }
            source = try values.decode(String.self, forKey: .source)
            checked = try values.decode(String.self, forKey: .checked)
            note = try values.decodeIfPresent(String.self, forKey: .note)
            textIn = try price(.textIn)
            cachedTextIn = try price(.cachedTextIn)
            audioIn = try price(.audioIn)
            cachedAudioIn = try price(.cachedAudioIn)
            imageIn = try price(.imageIn)
            cachedImageIn = try price(.cachedImageIn)
            textOut = try price(.textOut)
            audioOut = try price(.audioOut)
            perMinute = try price(.perMinute)
        }
    }

    private struct AnyName: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Checks every price and completes what a vendor does not state, upwards: an unstated cached price is the full
    /// one, an unstated output the dearest stated, an unstated picture the dearer of text and sound. Time and sound are
    /// converted into each other at 10 tokens a second.
    package func book() throws(BudgetError) -> PriceBook {
        var prices: [String: Price] = [:]
        for (model, entry) in models { prices[model] = try entry.price(model) }
        return PriceBook(prices)
    }
}

extension PriceFile.Entry {
    private static let tokensPerMinute = 60_000 / Usage.millisecondsPerTokenIn

    fileprivate func price(_ model: String) throws(BudgetError) -> Price {
        for (field, value) in stated where !(0...Price.maxMicros).contains(value) {
            throw .badPrice(model: model, field: field.rawValue)
        }
        if textIn == nil, audioIn == nil, textOut == nil {
            guard let perMinute else { throw .badPrice(model: model, field: CodingKeys.textIn.rawValue) }
            let sound = min(perMinute * 1_000_000 / Self.tokensPerMinute, Price.maxMicros)
            return Price(
                textIn: sound, cachedTextIn: sound, audioIn: sound, cachedAudioIn: sound, imageIn: sound,
                cachedImageIn: sound, textOut: sound, audioOut: sound, perMinute: perMinute)
        }
        guard let textIn else { throw .badPrice(model: model, field: CodingKeys.textIn.rawValue) }
        guard let audioIn else { throw .badPrice(model: model, field: CodingKeys.audioIn.rawValue) }
        guard let textOut else { throw .badPrice(model: model, field: CodingKeys.textOut.rawValue) }
        let dearest = max(textIn, audioIn, textOut, audioOut ?? 0)
        let imageIn = imageIn ?? max(textIn, audioIn)
        return Price(
            textIn: textIn, cachedTextIn: cachedTextIn ?? textIn, audioIn: audioIn,
            cachedAudioIn: cachedAudioIn ?? audioIn, imageIn: imageIn, cachedImageIn: cachedImageIn ?? imageIn,
            textOut: textOut, audioOut: audioOut ?? dearest,
            perMinute: perMinute ?? (audioIn * Self.tokensPerMinute + 999_999) / 1_000_000)
    }

    private var stated: [(CodingKeys, Int64)] {
        let all: [(CodingKeys, Int64?)] = [
            (.textIn, textIn), (.cachedTextIn, cachedTextIn), (.audioIn, audioIn), (.cachedAudioIn, cachedAudioIn),
            (.imageIn, imageIn), (.cachedImageIn, cachedImageIn), (.textOut, textOut), (.audioOut, audioOut),
            (.perMinute, perMinute),
        ]
        return all.compactMap { field, value in value.map { (field, $0) } }
    }
}
