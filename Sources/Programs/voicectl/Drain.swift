import ArgumentParser
import InterviewCore
import WireFormats

/// `voicectl drain`
package struct Drain: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Take no new interviews; let the running ones end.",
        discussion: """
            Answers at once; the drain goes on. Running interviews have until the timeout, then they are cut and their \
            participants are asked to rejoin. Called again it tells how far the drain is. Meant for a preStop hook: the \
            process itself ends with the SIGTERM after it, which is not a second signal.

            EXAMPLE
              voicectl drain --timeout 2700 && watch -n 5 voicectl status
            """)

    @Option(
        name: .long,
        help: ArgumentHelp("How long interviews may go on. Default: drain.timeout.", valueName: "seconds"))
    var timeout: Int?

    package init() {}

    @OptionGroup var connection: Connection

    package func validate() throws {
        if let timeout, !(0...DrainRequest.longestTimeout).contains(timeout) {
            throw ValidationError("--timeout is a number of seconds from 0 to \(DrainRequest.longestTimeout).")
        }
    }

    package func run() async throws {
        let reply = try await AdminClient(path: try connection.place())
            .post(AdminPath.drain, DrainRequest(timeoutSeconds: timeout), DrainReport.self)
        print(connection.json ? reply.text : Self.text(reply.value), terminator: connection.json ? "" : "\n")
    }

    package static func text(_ report: DrainReport) -> String {
        guard report.draining else { return "It does not drain." }
        let left = report.sessionsRemaining == 1 ? "1 interview" : "\(report.sessionsRemaining) interviews"
        return "Draining: \(left) left, at most \(Words.clock(seconds: report.deadlineInMilliseconds / 1_000)) more."
    }
}
