// What `voicectl cost` shows. JSON keys are part of the contract; unknown keys are ignored by readers.

/// The money of one running session.
package struct SessionCost: Hashable, Sendable, Codable {
    package var id: SessionID
    package var study: StudyID
    package var spentMicros: Int64
    package var limitMicros: Int64
    /// The part of `spentMicros` that no provider has confirmed.
    package var estimatedMicros: Int64
    /// By name.
    package var models: [ModelCost]

    package init(
        id: SessionID, study: StudyID, spentMicros: Int64, limitMicros: Int64, estimatedMicros: Int64,
        models: [ModelCost]
    ) {
        self.id = id
        self.study = study
        self.spentMicros = spentMicros
        self.limitMicros = limitMicros
        self.estimatedMicros = estimatedMicros
        self.models = models
    }

    enum CodingKeys: String, CodingKey {
        case id, study, models
        case spentMicros = "spent_micros"
        case limitMicros = "limit_micros"
        case estimatedMicros = "estimated_micros"
    }
}

package struct ModelCost: Hashable, Sendable, Codable {
    package var model: String
    /// Answers, or transcriptions.
    package var records: Int
    package var micros: Int64
    package var estimatedMicros: Int64
    package var inputTokens: Int
    /// The part of `inputTokens` that came from the provider's cache: the larger, the cheaper.
    package var cachedTokens: Int
    package var parts: [CostPart]

    package init(
        model: String, records: Int, micros: Int64, estimatedMicros: Int64, inputTokens: Int, cachedTokens: Int,
        parts: [CostPart]
    ) {
        self.model = model
        self.records = records
        self.micros = micros
        self.estimatedMicros = estimatedMicros
        self.inputTokens = inputTokens
        self.cachedTokens = cachedTokens
        self.parts = parts
    }

    enum CodingKeys: String, CodingKey {
        case model, records, micros, parts
        case estimatedMicros = "estimated_micros"
        case inputTokens = "input_tokens"
        case cachedTokens = "cached_tokens"
    }
}

/// One modality of one model. Each part is rounded by itself, while a record is rounded up once: their sum may be some
/// micro-dollars off.
package struct CostPart: Hashable, Sendable, Codable {
    /// As in the price file: `text_in`, `cached_text_in`, `audio_in` … ; `ms` for what is billed by time. Inputs that
    /// came from the cache are under `cached_…` alone.
    package var kind: String
    /// Tokens, or milliseconds.
    package var count: Int
    package var micros: Int64

    package init(kind: String, count: Int, micros: Int64) {
        self.kind = kind
        self.count = count
        self.micros = micros
    }
}

extension ModelCost {
    /// `price` nil: the file no longer has the model; the parts are then without money.
    package init(model: String, line: CostSheet.Line, price: Price?) {
        let usage = line.usage
        let kinds: [(String, Int, Int64?)] = [
            ("text_in", usage.textIn - usage.cachedTextIn, price?.textIn),
            ("cached_text_in", usage.cachedTextIn, price?.cachedTextIn),
            ("audio_in", usage.audioIn - usage.cachedAudioIn, price?.audioIn),
            ("cached_audio_in", usage.cachedAudioIn, price?.cachedAudioIn),
            ("image_in", usage.imageIn - usage.cachedImageIn, price?.imageIn),
            ("cached_image_in", usage.cachedImageIn, price?.cachedImageIn),
            ("text_out", usage.textOut, price?.textOut),
            ("audio_out", usage.audioOut, price?.audioOut),
        ]
        var parts = kinds.filter { $0.1 > 0 }.map { kind, count, price in
            CostPart(kind: kind, count: count, micros: Self.money(count, price ?? 0, per: 1_000_000))
        }
        if usage.milliseconds > 0 {
            let micros = Self.money(usage.milliseconds, price?.perMinute ?? 0, per: 60_000)
            parts.append(CostPart(kind: "ms", count: usage.milliseconds, micros: micros))
        }
        self.init(
            model: model, records: line.records, micros: line.micros, estimatedMicros: line.estimatedMicros,
            inputTokens: usage.textIn + usage.audioIn + usage.imageIn,
            cachedTokens: usage.cachedTextIn + usage.cachedAudioIn + usage.cachedImageIn, parts: parts)
    }

    /// Rounded to the nearest; what does not fit is the largest there is.
    private static func money(_ count: Int, _ price: Int64, per unit: Int64) -> Int64 {
        let (product, overflow) = Int64(count).multipliedReportingOverflow(by: max(price, 0))
        return overflow ? .max / unit : product / unit + (product % unit * 2 >= unit ? 1 : 0)
    }
}
