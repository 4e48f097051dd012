/// Why a process could not start, in words for whoever starts it. Names settings, never their values where those are
/// secret.
package enum AssemblyError: Error, Sendable, CustomStringConvertible {
    case configuration(String)
    case store(String)
    case secrets(String)
    case listening(String)
    case loops(String)
    case provider(String)
    case simulator(String)

    package var description: String {
        switch self {
        case .configuration(let text), .store(let text), .secrets(let text), .listening(let text), .loops(let text),
            .provider(let text), .simulator(let text):
            text
        }
    }
}
