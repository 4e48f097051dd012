import InterviewCore

/// Usage of an answer (`response.usage`) or of an input transcription, by tokens or by duration, as the vendor spells
/// it. Where details are missing, the rest is read so that it never costs less than it did.
struct OpenAIUsage: Decodable {
    struct InputDetails: Decodable {
        struct Cached: Decodable {
            var textTokens: OpenAIBody.Count?
            var audioTokens: OpenAIBody.Count?
            var imageTokens: OpenAIBody.Count?
        }
        var textTokens: OpenAIBody.Count?
        var audioTokens: OpenAIBody.Count?
        var imageTokens: OpenAIBody.Count?
        var cachedTokens: OpenAIBody.Count?
        var cachedTokensDetails: Cached?
    }
    struct OutputDetails: Decodable {
        var textTokens: OpenAIBody.Count?
        var audioTokens: OpenAIBody.Count?
    }

    var inputTokens: OpenAIBody.Count?
    var outputTokens: OpenAIBody.Count?
    var inputTokenDetails: InputDetails?
    var outputTokenDetails: OutputDetails?
    /// Transcription of type `duration`.
    var seconds: Double?

    /// A day: no turn is longer.
    private static let maxSeconds = 86_400.0

    /// What an answer used.
    var answer: Usage { usage(unexplainedOutput: \.audioOut) }

    /// What a transcription used: all it gives out is text.
    var transcription: Usage { usage(unexplainedOutput: \.textOut) }

    private func usage(unexplainedOutput: WritableKeyPath<Usage, Int>) -> Usage {
        var usage = Usage()
        fillInput(&usage)
        fillCached(&usage)
        fillOutput(&usage, unexplained: unexplainedOutput)
        if let seconds, seconds.isFinite, seconds > 0 {
            usage.milliseconds = Int((min(seconds, Self.maxSeconds) * 1_000).rounded(.up))
        }
        return usage
    }

    private func fillInput(_ usage: inout Usage) {
        usage.textIn = Self.tokens(inputTokenDetails?.textTokens)
        usage.audioIn = Self.tokens(inputTokenDetails?.audioTokens)
        usage.imageIn = Self.tokens(inputTokenDetails?.imageTokens)
        let unexplained = Self.tokens(inputTokens) - usage.textIn - usage.audioIn - usage.imageIn
        guard unexplained > 0 else { return }
        // Without any details: sound, which is the dearest.
        if inputTokenDetails == nil { usage.audioIn += unexplained } else { usage.textIn += unexplained }
    }

    /// Cached tokens are a subset of the input tokens.
    private func fillCached(_ usage: inout Usage) {
        guard let inputTokenDetails else { return }
        if let details = inputTokenDetails.cachedTokensDetails {
            usage.cachedTextIn = min(Self.tokens(details.textTokens), usage.textIn)
            usage.cachedAudioIn = min(Self.tokens(details.audioTokens), usage.audioIn)
            usage.cachedImageIn = min(Self.tokens(details.imageTokens), usage.imageIn)
        } else {
            // Of which kind is not said: text first, where the cache saves least.
            let cached = Self.tokens(inputTokenDetails.cachedTokens)
            usage.cachedTextIn = min(cached, usage.textIn)
            usage.cachedAudioIn = min(cached - usage.cachedTextIn, usage.audioIn)
        }
    }

    private func fillOutput(_ usage: inout Usage, unexplained kind: WritableKeyPath<Usage, Int>) {
        usage.textOut = Self.tokens(outputTokenDetails?.textTokens)
        usage.audioOut = Self.tokens(outputTokenDetails?.audioTokens)
        let unexplained = Self.tokens(outputTokens) - usage.textOut - usage.audioOut
        guard unexplained > 0 else { return }
        usage[keyPath: outputTokenDetails == nil ? kind : \.textOut] += unexplained
    }

    private static func tokens(_ count: OpenAIBody.Count?) -> Int {
        min(max(count?.value ?? 0, 0), Usage.maxTokens)
    }
}
