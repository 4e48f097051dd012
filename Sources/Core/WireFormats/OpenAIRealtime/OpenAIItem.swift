/// A conversation item that the client creates.
package struct OpenAIItem: Sendable, Hashable {
    package enum Content: Sendable, Hashable {
        case system(String)
        case user(String)
        /// Past answers: text only; the vendor accepts no assistant sound.
        case assistant(String)
        case functionCall(call: String, name: String, arguments: String)
        case functionCallOutput(call: String, output: String)
    }

    /// At most 32 characters; nil: the server chooses.
    package var id: String?
    package var content: Content

    package init(id: String? = nil, _ content: Content) {
        self.id = id
        self.content = content
    }

    package static let maxIDLength = 32
}
