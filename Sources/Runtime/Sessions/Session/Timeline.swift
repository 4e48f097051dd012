import DequeModule
import InterviewCore

/// What happened in a session, for `voicectl show`; no speech.
struct Timeline {
    static let mostEntries = 64

    private let start: Duration
    private(set) var entries: Deque<TimelineEntry> = []

    init(start: Duration) { self.start = start }

    mutating func note(_ what: String, at now: Duration) {
        if entries.count == Self.mostEntries { entries.removeFirst() }
        entries.append(TimelineEntry(atMilliseconds: Int((now - start) / .milliseconds(1)), what: what))
    }
}
