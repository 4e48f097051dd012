import ArgumentParser
import InterviewCore
import WireFormats

/// `voicectl sessions`
package struct Sessions: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "List the conversations of this process.",
        discussion: """
            LINE says whether the participant is connected. TIME is active time, COST what the provider has charged so \
            far. Sessions that nobody has joined, and those that are over, are in the store: ask REST for them.

            EXAMPLE
              voicectl sessions --json | jq '[.sessions[].cost_micros] | add / 1000000'
            """)

    package init() {}

    @OptionGroup var watch: Watch
    @OptionGroup var connection: Connection

    package func run() async throws {
        try await watch.show {
            let reply = try await AdminClient(path: try connection.place()).get(AdminPath.sessions, SessionList.self)
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
}
