/// What one answer (or one input transcription) of a provider used, in the provider's own tokens.
/// Cached counts are a subset of the inputs (OpenAI `response.usage.input_token_details`).
package struct Usage: Hashable, Sendable, Codable {
    package var textIn: Int
    package var audioIn: Int
    package var imageIn: Int
    package var cachedTextIn: Int
    package var cachedAudioIn: Int
    package var cachedImageIn: Int
    package var textOut: Int
    package var audioOut: Int
    /// Set instead of tokens by models that bill by time (input transcription usage of type `duration`).
    package var milliseconds: Int

    package init(
        textIn: Int = 0, audioIn: Int = 0, imageIn: Int = 0, cachedTextIn: Int = 0, cachedAudioIn: Int = 0,
        cachedImageIn: Int = 0, textOut: Int = 0, audioOut: Int = 0, milliseconds: Int = 0
    ) {
        self.textIn = textIn
        self.audioIn = audioIn
        self.imageIn = imageIn
        self.cachedTextIn = cachedTextIn
        self.cachedAudioIn = cachedAudioIn
        self.cachedImageIn = cachedImageIn
        self.textOut = textOut
        self.audioOut = audioOut
        self.milliseconds = milliseconds
    }

    enum CodingKeys: String, CodingKey {
        case textIn = "text_in"
        case audioIn = "audio_in"
        case imageIn = "image_in"
        case cachedTextIn = "cached_text_in"
        case cachedAudioIn = "cached_audio_in"
        case cachedImageIn = "cached_image_in"
        case textOut = "text_out"
        case audioOut = "audio_out"
        case milliseconds = "ms"
    }
}
