import Foundation
import Yams

/// The prices computed anew from the file, without voiced's meter: whole micro-dollars per million tokens, a record
/// rounded up once.
struct PriceList {
    private let models: [String: [String: Int]]

    init(manifests: String) throws {
        let text = try String(contentsOfFile: "\(manifests)/prices.yaml", encoding: .utf8)
        guard let document = try Yams.compose(yaml: text)?.mapping?["models"]?.mapping else {
            throw DrillError.unreadable("prices.yaml")
        }
        var found: [String: [String: Int]] = [:]
        for (name, prices) in document {
            guard let name = name.string, let mapping = prices.mapping else { continue }
            for (key, value) in mapping {
                guard let key = key.string, let text = value.scalar?.string,
                    let number = Int(text.filter { $0 != "_" })
                else { continue }
                found[name, default: [:]][key] = number
            }
        }
        models = found
    }

    /// Sound without a kind in a transcription's output is text; in an answer everything is stated.
    func micros(_ usage: SimulatorWitness.Usage, model: String) throws -> Int {
        guard let prices = models[model] else { throw DrillError.missing("a price of \(model)") }
        func price(_ name: String, or other: String? = nil) throws -> Int {
            if let price = prices[name] ?? other.flatMap({ prices[$0] }) { return price }
            throw DrillError.missing("\(name) of \(model)")
        }
        let input = usage.inputTokenDetails
        let cached = input?.cachedTokensDetails
        var total = 0
        func add(_ count: Int, _ cachedCount: Int, _ name: String) throws {
            if count > cachedCount { total += (count - cachedCount) * (try price("\(name)_in")) }
            if cachedCount > 0 { total += cachedCount * (try price("cached_\(name)_in", or: "\(name)_in")) }
        }
        try add(input?.textTokens ?? 0, cached?.textTokens ?? 0, "text")
        try add(input?.audioTokens ?? 0, cached?.audioTokens ?? 0, "audio")
        try add(input?.imageTokens ?? 0, cached?.imageTokens ?? 0, "image")
        let output = usage.outputTokenDetails
        let textOut = output.map { $0.textTokens ?? 0 } ?? usage.outputTokens ?? 0
        let audioOut = output?.audioTokens ?? 0
        if textOut > 0 { total += textOut * (try price("text_out")) }
        if audioOut > 0 { total += audioOut * (try price("audio_out")) }
        return (total + 999_999) / 1_000_000
    }
}
