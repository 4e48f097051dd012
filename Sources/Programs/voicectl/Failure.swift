/// Why a verb did not do what it was asked to, and the exit status for it.
package enum Failure: Error, Equatable, CustomStringConvertible {
    /// No socket at any of these places.
    case noSocket([String])
    case notPermitted(String)
    /// A socket that nobody listens on.
    case nobodyThere(String)
    case noAnswer(String)
    /// The daemon said no.
    case refused(code: String, message: String)
    /// It answered with something that this version does not understand.
    case strange(String)

    package var exitCode: Int32 {
        switch self {
        case .refused: 1
        case .noSocket, .notPermitted, .nobodyThere, .noAnswer, .strange: 3
        }
    }

    package var description: String {
        switch self {
        case .noSocket(let places):
            """
            No admin socket at \(places.joined(separator: ", nor at ")).
            Is voiced running on this machine? Start it with `voiced run`, or name its socket with --socket PATH.
            """
        case .notPermitted(let path):
            """
            Not permitted to open \(path).
            It belongs to the user that voiced runs as: try `sudo -u voiced voicectl …`.
            """
        case .nobodyThere(let path):
            """
            Nobody listens on \(path).
            The daemon that made it is gone. Start voiced again; it removes the file by itself.
            """
        case .noAnswer(let path):
            """
            No answer within 10 s on \(path).
            The daemon is there but stuck: look at its log, and at /livez on the agent port.
            """
        case .refused(let code, let message): "\(message) (\(code))"
        case .strange(let what):
            """
            The daemon's answer cannot be understood: \(what).
            Its version and this voicectl's differ too much; use the voicectl that came with it.
            """
        }
    }
}
