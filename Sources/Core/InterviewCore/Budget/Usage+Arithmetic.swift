extension Usage {
    /// More tokens of one kind than any one answer can have (contexts end at 128,000): what is above is a peer's
    /// nonsense.
    package static let maxTokens = 100_000_000
    /// A day.
    package static let maxMilliseconds = 86_400_000

    /// Speech in tokens (OpenAI, Realtime costs guide): the participant's 1 per 100 ms, the agent's 1 per 50 ms.
    package static let millisecondsPerTokenIn: Int64 = 100
    package static let millisecondsPerTokenOut: Int64 = 50

    /// The same with every count in 0 … `maxTokens` and the cached ones within their inputs.
    package var clamped: Usage {
        let textIn = Self.clamp(textIn)
        let audioIn = Self.clamp(audioIn)
        let imageIn = Self.clamp(imageIn)
        return Usage(
            textIn: textIn, audioIn: audioIn, imageIn: imageIn, cachedTextIn: min(Self.clamp(cachedTextIn), textIn),
            cachedAudioIn: min(Self.clamp(cachedAudioIn), audioIn),
            cachedImageIn: min(Self.clamp(cachedImageIn), imageIn), textOut: Self.clamp(textOut),
            audioOut: Self.clamp(audioOut), milliseconds: min(max(milliseconds, 0), Self.maxMilliseconds))
    }

    /// Input tokens of all kinds, and the part of them that came from the provider's cache: their ratio is what makes a
    /// late turn cheap.
    package var inputTokens: Int {
        let tokens = clamped
        return tokens.textIn + tokens.audioIn + tokens.imageIn
    }
    package var cachedInputTokens: Int {
        let tokens = clamped
        return tokens.cachedTextIn + tokens.cachedAudioIn + tokens.cachedImageIn
    }

    /// What an answer that died without saying so is charged: its seconds of sound. The context it was given is not
    /// known, so this is less than the truth; the record is marked `estimated`.
    package static func estimate(audioIn: Duration, audioOut: Duration) -> Usage {
        Usage(
            audioIn: tokens(audioIn, each: millisecondsPerTokenIn),
            audioOut: tokens(audioOut, each: millisecondsPerTokenOut))
    }

    private static func clamp(_ count: Int) -> Int { min(max(count, 0), maxTokens) }

    private static func tokens(_ sound: Duration, each milliseconds: Int64) -> Int {
        let bounded = min(max(sound, .zero), .milliseconds(maxMilliseconds))
        let (seconds, attoseconds) = bounded.components
        let microseconds = seconds * 1_000_000 + (attoseconds + 999_999_999_999) / 1_000_000_000_000
        let perToken = milliseconds * 1_000
        return Int((microseconds + perToken - 1) / perToken)
    }
}
