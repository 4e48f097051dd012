import DequeModule
import InterviewCore

/// What happened in a session, for `voicectl show`; no speech. What the client reports every few seconds has a place of
/// its own, so that it does not push out what happened.
struct Timeline {
    /// Half an hour of lively talk.
    static let mostEvents = 200
    /// Ten minutes, at a report every ten seconds.
    static let mostReports = 60

    private let start: Duration
    private var events: Deque<TimelineEntry> = []
    private var reports: Deque<TimelineEntry> = []

    init(start: Duration) { self.start = start }

    /// Oldest first.
    var entries: [TimelineEntry] {
        (events + reports).enumerated().sorted {
            ($0.element.atMilliseconds, $0.offset) < ($1.element.atMilliseconds, $1.offset)
        }.map(\.element)
    }

    mutating func note(_ what: String, at now: Duration) {
        Self.add(what, at: now - start, to: &events, most: Self.mostEvents)
    }

    mutating func reported(_ stats: ClientStats, at now: Duration) {
        Self.add(stats.words, at: now - start, to: &reports, most: Self.mostReports)
    }

    private static func add(_ what: String, at time: Duration, to entries: inout Deque<TimelineEntry>, most: Int) {
        if entries.count == most { entries.removeFirst() }
        entries.append(TimelineEntry(atMilliseconds: Int(time / .milliseconds(1)), what: what))
    }
}

extension ClientStats {
    /// Numbers alone: codec and device are the client's own words.
    var words: String {
        var parts: [String] = []
        if let milliseconds = roundTripMilliseconds { parts.append("rtt \(milliseconds) ms") }
        if let decibels = microphoneDecibels.flatMap({ Int(exactly: $0.rounded()) }) {
            parts.append("microphone \(decibels) dBFS")
        }
        if let underruns { parts.append("underruns \(underruns)") }
        return "client: " + (parts.isEmpty ? "nothing measured" : parts.joined(separator: ", "))
    }
}
