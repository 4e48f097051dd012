import ArgumentParser
import InterviewCore
import WireFormats

/// `voicectl show ID`
package struct Show: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Show one conversation: state, timings, what happened. Never what was said.",
        discussion: """
            `answers` are milliseconds from the end of the participant's speech to the first sound of the answer, newest \
            last.

            EXAMPLE
              voicectl show 8m2q4w7k1x3v5b9n0c6d --json | jq .counters
            """)

    @Argument(help: "The session's id, as `voicectl sessions` prints it.")
    var id: String

    package init() {}

    @OptionGroup var connection: Connection

    package func validate() throws { _ = try sessionID(id) }

    package func run() async throws {
        let reply = try await AdminClient(path: try connection.place())
            .get(AdminPath.session(try sessionID(id)), SessionDetail.self)
        print(connection.json ? reply.text : Self.text(reply.value), terminator: connection.json ? "" : "\n")
    }

    package static func text(_ detail: SessionDetail) -> String {
        let summary = detail.summary
        let latencies = wrapped(detail.turnLatenciesMilliseconds.map(String.init), indent: 10)
        var text = facts([
            ("session", summary.id.text),
            ("study", summary.study.text),
            ("state", "\(summary.state), line \(summary.connected ? "up" : "down")"),
            ("time", "\(Words.clock(seconds: summary.activeSeconds)) active"),
            ("ends in", Words.clock(seconds: detail.endsInMilliseconds / 1_000)),
            ("turns", "\(summary.turns)"),
            ("cost", Words.dollars(micros: summary.costMicros)),
            ("provider", "\(summary.provider), \(summary.language)"),
            ("place", "loop \(summary.loop), epoch \(detail.epoch)"),
            ("client", detail.client ?? "none"),
            ("answers", latencies.isEmpty ? "none yet" : "\(latencies) ms"),
        ])
        let counters = detail.counters.sorted { $0.key < $1.key }
        if !counters.isEmpty { text += "\n\n" + facts(counters.map { ($0.key, "\($0.value)") }) }
        if !detail.timeline.isEmpty {
            var table = Table([.init(title: "AT", width: 10, isNumber: true), .init(title: "WHAT", width: 68)])
            for entry in detail.timeline { table.add([Words.seconds(milliseconds: entry.atMilliseconds), entry.what]) }
            text += "\n\n" + table.text
        }
        return text
    }
}

/// Words in lines of at most `Table.width`, all but the first indented.
private func wrapped(_ words: [String], indent: Int) -> String {
    var lines = [""]
    for word in words {
        // Room for the unit behind the last one.
        if indent + (lines.last?.count ?? 0) + 1 + word.count + 3 > Table.width { lines.append("") }
        lines[lines.count - 1] += (lines.last?.isEmpty == true ? "" : " ") + word
    }
    return lines.joined(separator: "\n" + String(repeating: " ", count: indent))
}

/// An id as typed, or a refusal of the command line.
func sessionID(_ text: String) throws -> SessionID {
    guard let id = SessionID(text) else {
        throw ValidationError("An id has 1 to 64 characters of A-Z a-z 0-9 _ -. `voicectl sessions` prints them.")
    }
    return id
}
