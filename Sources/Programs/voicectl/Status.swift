import ArgumentParser
import InterviewCore
import WireFormats

/// `voicectl status`
package struct Status: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Is it well, and how much does it carry?",
        discussion: """
            `accepting new` says whether it takes new interviews, and if not, why: starting, draining, full, \
            store_unavailable, disk, provider_down.

            EXAMPLE
              voicectl status --json | jq -e .health.accepting_new
            """)

    package init() {}

    @OptionGroup var watch: Watch
    @OptionGroup var connection: Connection

    package func run() async throws {
        try await watch.show {
            let reply = try await AdminClient(path: try connection.place()).get(AdminPath.status, StatusReport.self)
            return connection.json ? reply.text : Self.text(reply.value)
        }
    }

    package static func text(_ report: StatusReport) -> String {
        let health = report.health
        let reasons = health.reasons.isEmpty ? "" : " (\(health.reasons.joined(separator: ", ")))"
        let states = report.sessionsByState.filter { $0.value != 0 }.sorted { $0.key < $1.key }
            .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return facts([
            ("status", health.status),
            ("accepting new", Words.yes(health.acceptingNew) + reasons),
            ("sessions", "\(health.activeSessions) of \(health.capacity)" + (states.isEmpty ? "" : ": \(states)")),
            ("loops", "\(report.loops)"),
            ("up", Words.span(seconds: report.uptimeSeconds)),
            ("build", report.build),
            ("instance", report.instance),
        ])
    }
}
