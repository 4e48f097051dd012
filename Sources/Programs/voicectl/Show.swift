import ArgumentParser
import InterviewCore
import WireFormats

/// `voicectl show ID`
package struct Show: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        abstract: "Show one conversation: state, timings, what happened. Never what was said.",
        discussion: """
            `answers` are milliseconds from the end of the participant's speech to the first sound of the answer, newest \
            last. The last things that happened stand below; --timeline shows all that the daemon remembers (the last 200 \
            events, and the last 60 reports of the participant's browser): lines that came and went, provider connections, \
            answers with their latency, round trip, microphone level and underruns.

            EXAMPLE
              voicectl show 8m2q4w7k1x3v5b9n0c6d --timeline
              voicectl show 8m2q4w7k1x3v5b9n0c6d --json | jq .counters
            """)

    @Argument(help: "The session's id, as `voicectl sessions` prints it.")
    var id: String

    @Flag(name: .long, help: "Show the whole timeline, and nothing else.")
    var timeline = false

    package init() {}

    @OptionGroup var watch: Watch
    @OptionGroup var connection: Connection

    package func validate() throws { _ = try sessionID(id) }

    package func run() async throws {
        let id = try sessionID(id)
        try await watch.show {
            let reply = try await AdminClient(path: try connection.place())
                .get(AdminPath.session(id), SessionDetail.self)
            if connection.json { return reply.text }
            return timeline ? Self.timelineText(reply.value) : Self.text(reply.value)
        }
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
        if !detail.timeline.isEmpty { text += "\n\n" + table(detail.timeline.suffix(shownEntries)) }
        return text
    }

    /// Entries of the timeline below the facts.
    private static let shownEntries = 10

    package static func timelineText(_ detail: SessionDetail) -> String {
        detail.timeline.isEmpty ? "Nothing has happened yet." : table(detail.timeline[...])
    }

    private static func table(_ entries: ArraySlice<TimelineEntry>) -> String {
        var table = Table([.init(title: "AT", width: 10, isNumber: true), .init(title: "WHAT", width: 68)])
        for entry in entries { table.add([Words.seconds(milliseconds: entry.atMilliseconds), entry.what]) }
        return table.text
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
