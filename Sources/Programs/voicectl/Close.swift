import ArgumentParser
import InterviewCore
import WireFormats

/// `voicectl close ID`
package struct Close: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "End one conversation now; its row says admin_closed.",
        discussion: """
            The participant is told that the interview is over and does not come back. Journal and recording are complete \
            up to here. Any process may be asked about any session: one that nobody runs is ended at once, another \
            process is told to end its own, which it does within seconds.

            EXAMPLE
              voicectl close 8m2q4w7k1x3v5b9n0c6d --reason "asked by the participant"
            """)

    @Argument(help: "The session's id, as `voicectl sessions` prints it.")
    var id: String

    @Option(name: .long, help: ArgumentHelp("A few words for the session's row.", valueName: "text"))
    var reason: String?

    @OptionGroup var connection: Connection

    package init() {}

    package func validate() throws {
        _ = try sessionID(id)
        if let reason, reason.utf8.count > CloseRequest.longestDetail {
            throw ValidationError("--reason has at most \(CloseRequest.longestDetail) bytes.")
        }
    }

    package func run() async throws {
        let id = try sessionID(id)
        let reply = try await AdminClient(path: try connection.place())
            .post(AdminPath.close(id), CloseRequest(detail: reason), CloseAnswer.self)
        print(
            connection.json ? reply.text : Self.text(reply.value), terminator: connection.json ? "" : "\n")
    }

    package static func text(_ answer: CloseAnswer) -> String {
        switch answer.outcome {
        case .closed: "\(answer.session) is closed."
        case .requested: "Another process runs \(answer.session); it has been told to close it."
        // Errors, which end the program before this.
        case .alreadyEnded: "\(answer.session) has ended already."
        case .unknown: "No session is called \(answer.session)."
        }
    }
}
