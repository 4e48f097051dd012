import ArgumentParser
import InterviewCore
import WireFormats

/// `voicectl reload`
package struct Reload: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Let the daemon read its configuration again, as SIGHUP does.",
        discussion: """
            What can change while it runs changes at once: limits, prices, studies, VAD settings, capacity, log level (`live` \
            in Manifests/voiced.yaml). Interviews that run keep what they began with. Keys that wait for a restart are \
            named. A mistake leaves everything as it was: every one is printed, and the exit status is 1.

            EXAMPLE
              voiced check-config --config FILE && voicectl reload
            """)

    package init() {}

    @OptionGroup var connection: Connection

    package func run() async throws {
        let reply = try await AdminClient(path: try connection.place())
            .post(AdminPath.reload, EmptyRequest(), ReloadReport.self)
        print(connection.json ? reply.text : Self.text(reply.value), terminator: connection.json ? "" : "\n")
        if reply.value.outcome == .refused { throw ExitCode(1) }
    }

    package static func text(_ report: ReloadReport) -> String {
        switch report.outcome {
        case .unchanged: return "Nothing is different."
        case .refused:
            let count = report.problems.count == 1 ? "1 problem" : "\(report.problems.count) problems"
            return (["Refused, the old configuration stays in force. \(count):"] + report.problems.map { "  \($0)" })
                .joined(separator: "\n")
        case .applied:
            var lines = report.applied.map { "in force       \($0)" }
            lines += report.needsRestart.map { "needs restart  \($0)" }
            return lines.joined(separator: "\n")
        }
    }
}
