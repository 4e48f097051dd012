import ArgumentParser
import InterviewCore
import WireFormats

/// `voicectl sessions`
package struct Sessions: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "List the conversations of this process, or what is stuck anywhere.",
        discussion: """
            LINE says whether the participant is connected. TIME is active time, COST what the provider has charged so \
            far. Sessions that nobody has joined, and those that are over, are in the store: ask REST for them.

            --stuck lists sessions of any process that nobody runs as they should be: owner_lost (its process is gone), \
            window_past (nobody came back in time), never_joined (past its expiry), overtime (far beyond its hard limit), \
            close_unheard (its owner was told to close it). They are settled within some ten seconds by any process that \
            is in touch with the store; what stays here needs `voicectl close ID`.

            EXAMPLE
              voicectl sessions --json | jq '[.sessions[].cost_micros] | add / 1000000'
            """)

    package init() {}

    @Flag(name: .long, help: "Sessions of any process that nobody runs as they should be.")
    var stuck = false

    @OptionGroup var watch: Watch
    @OptionGroup var connection: Connection

    package func run() async throws {
        try await watch.show {
            let client = AdminClient(path: try connection.place())
            if stuck {
                let reply = try await client.get(AdminPath.stuck, StuckReport.self)
                return connection.json ? reply.text : Self.text(reply.value)
            }
            let reply = try await client.get(AdminPath.sessions, SessionList.self)
            return connection.json ? reply.text : Self.text(reply.value.sessions)
        }
    }

    package static func text(_ sessions: [SessionSummary]) -> String {
        if sessions.isEmpty { return "No conversation is running here." }
        var table = Table([
            .init(title: "ID", width: 20), .init(title: "STATE", width: 11), .init(title: "LINE", width: 4),
            .init(title: "TIME", width: 7, isNumber: true), .init(title: "TURNS", width: 5, isNumber: true),
            .init(title: "COST", width: 8, isNumber: true), .init(title: "STUDY", width: 13),
        ])
        for session in sessions {
            table.add([
                session.id.text, session.state, session.connected ? "up" : "down",
                Words.clock(seconds: session.activeSeconds), "\(session.turns)",
                Words.dollars(micros: session.costMicros), session.study.text,
            ])
        }
        return table.text
    }

    package static func text(_ report: StuckReport) -> String {
        let partial = report.isPartial ? "Only the newest \(report.looked) sessions were looked at." : nil
        guard !report.sessions.isEmpty else {
            return (["Nothing is stuck."] + [partial].compactMap { $0 }).joined(separator: "\n")
        }
        var table = Table([
            .init(title: "ID", width: 20), .init(title: "STATE", width: 11), .init(title: "WHY", width: 13),
            .init(title: "FOR", width: 10, isNumber: true), .init(title: "OWNER", width: 16),
        ])
        for session in report.sessions {
            table.add([
                session.id.text, session.state.rawValue, session.cause.rawValue,
                session.seconds.map { Words.span(seconds: $0) } ?? "-", session.owner ?? "-",
            ])
        }
        return ([table.text] + [partial].compactMap { $0 }).joined(separator: "\n")
    }
}
