/// Tokens by modality, as the vendor bills them.
package struct TokenCount: Equatable, Sendable {
    package var text: Int
    package var audio: Int
    package var image: Int

    package init(text: Int = 0, audio: Int = 0, image: Int = 0) {
        self.text = text
        self.audio = audio
        self.image = image
    }

    package var total: Int { text + audio + image }

    package static func + (a: TokenCount, b: TokenCount) -> TokenCount {
        TokenCount(text: a.text + b.text, audio: a.audio + b.audio, image: a.image + b.image)
    }

    /// The usual rule of thumb, four bytes to a token.
    package static func text(_ text: String) -> Int { (text.utf8.count + 3) / 4 }
    /// One token to 100 ms of a participant's sound.
    package static func userAudio(milliseconds: Int) -> Int { (milliseconds + 99) / 100 }
    /// One token to 50 ms of the model's sound.
    package static func assistantAudio(milliseconds: Int) -> Int { (milliseconds + 49) / 50 }
    /// Of one image, whatever its size.
    package static let image = 258
}

extension ConversationItem {
    /// What the item adds to a prompt.
    package var tokens: TokenCount {
        switch body {
        case .message(_, let content): content.reduce(TokenCount()) { $0 + $1.tokens }
        case .functionCall(let name, let arguments, _):
            TokenCount(text: TokenCount.text(name) + TokenCount.text(arguments))
        case .functionCallOutput(_, let output): TokenCount(text: TokenCount.text(output))
        }
    }
}

extension ConversationItem.Content {
    package var tokens: TokenCount {
        switch self {
        case .inputText(let text), .outputText(let text): TokenCount(text: TokenCount.text(text))
        case .inputAudio(let milliseconds, _, _): TokenCount(audio: TokenCount.userAudio(milliseconds: milliseconds))
        case .inputImage: TokenCount(image: TokenCount.image)
        case .outputAudio(let milliseconds, let transcript, _):
            TokenCount(
                text: TokenCount.text(transcript ?? ""), audio: TokenCount.assistantAudio(milliseconds: milliseconds))
        }
    }
}
