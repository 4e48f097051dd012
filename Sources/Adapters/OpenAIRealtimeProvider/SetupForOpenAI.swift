import Ports
import WireFormats

/// A session's setup in the vendor's terms, checked: what cannot be sent is known before the socket opens.
package struct SetupForOpenAI: Sendable, Hashable {
    package var instructions: String
    /// ISO 639-1: the first part of the language tag when it has two letters.
    package var languageCode: String?
    package var voice: String?
    package var tools: [OpenAITool]
    package var maxOutputTokens: Int?
    package var context: [OpenAIItem]

    /// Limits of the vendor: `max_output_tokens` 1 to 4,096.
    package static let outputTokens = 1...4_096
    /// More past items than an interview has; what is older is left out, the oldest first.
    package static let maxContextItems = 2_000

    /// Throws a failure of kind `protocol` for a tool whose parameters are no JSON object.
    package init(_ setup: ProviderSetup) throws(ProviderFailure) {
        instructions = setup.instructions
        let primary = setup.language.split(separator: "-").first.map { $0.lowercased() } ?? ""
        languageCode = primary.utf8.count == 2 ? primary : nil
        voice = setup.voice
        maxOutputTokens = setup.maxOutputTokens.map {
            min(max($0, Self.outputTokens.lowerBound), Self.outputTokens.upperBound)
        }
        tools = []
        for tool in setup.tools {
            guard OpenAITool.isObject(tool.parameters) else {
                throw ProviderFailure(kind: .protocol, code: "tool_parameters")
            }
            tools.append(OpenAITool(name: tool.name, description: tool.description, parameters: tool.parameters))
        }
        context = setup.context.suffix(Self.maxContextItems).enumerated().map { index, item in
            let id = "ctx_\(index)"
            return switch item {
            case .system(let text): OpenAIItem(id: id, .system(text))
            case .participant(let text): OpenAIItem(id: id, .user(text))
            case .agent(let text): OpenAIItem(id: id, .assistant(text))
            }
        }
    }
}
