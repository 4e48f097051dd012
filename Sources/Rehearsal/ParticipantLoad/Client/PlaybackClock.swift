import InterviewCore

/// Plays agent audio without a loudspeaker: what would have been heard by now, and which `played` reports are due
/// (every 200 ms while playing, once when an item has played out, at once after a flush). Time is handed in.
package struct PlaybackClock: Sendable {
    package struct Played: Hashable, Sendable {
        package var item: String
        package var milliseconds: Int

        package init(item: String, milliseconds: Int) {
            self.item = item
            self.milliseconds = milliseconds
        }
    }

    private struct Entry {
        var id: String
        /// The item's beginning on the current connection's downlink clock.
        var start: UInt32
        /// What has been heard, from the item's beginning.
        var position: Duration = .zero
        /// Where the received audio ends, from the item's beginning.
        var end: Duration = .zero
        var begun = false
        /// Announced again by a new connection: its pause is a rejoin, not an underrun.
        var resumed = false
    }

    /// Between two reports of one item.
    package static let reportEvery: Duration = .milliseconds(200)
    /// What a client collects before it begins to play, also after it ran dry.
    package static let cushion: Duration = .milliseconds(40)
    /// Items that can be queued at once; more is a peer's nonsense and the oldest goes.
    private static let mostEntries = 64

    /// The first is being heard; the last is the one that frames belong to. A played-out last one stays until the next.
    private var entries: [Entry] = []
    private var advancedAt: Duration = .zero
    private var playsFrom: Duration = .zero
    private var reportedAt: Duration = .zero
    /// Times that an item ran dry and went on later.
    package private(set) var underruns = 0

    package init() {}

    /// True while something received is still to be heard.
    package var isPlaying: Bool { entries.contains { $0.position < $0.end } }

    /// What `hello.resume` says: the utterance that was being heard, or heard last.
    package var resume: Hello.Resume? {
        entries.first { $0.begun }.map {
            Hello.Resume(item: $0.id, playedMilliseconds: Self.milliseconds($0.position))
        }
    }

    package mutating func itemBegan(_ id: String, startTimestamp: UInt32) {
        if let known = entries.firstIndex(where: { $0.id == id }) {
            // The same utterance on a new connection's clock. It becomes the one that frames belong to.
            entries[known].start = startTimestamp
            entries[known].resumed = true
            if known != entries.count - 1 { entries.append(entries.remove(at: known)) }
            return
        }
        entries.removeAll { $0.position >= $0.end && $0.begun }
        entries.append(Entry(id: id, start: startTimestamp))
        if entries.count > Self.mostEntries { entries.removeFirst() }
    }

    /// A frame of the newest item. Returns its position in the item, nil when no item was announced.
    package mutating func received(timestamp: UInt32, length: Duration, at now: Duration) -> Duration? {
        guard let last = entries.indices.last else { return nil }
        let units = SerialDistance.between(entries[last].start, timestamp)
        let at = Duration.nanoseconds(Int64(units) * 1_000_000 / 48)
        let wasPlaying = isPlaying
        if !entries[last].begun {
            entries[last].begun = true
            entries[last].position = max(.zero, at)
            entries[last].end = entries[last].position
        } else if !wasPlaying, !entries[last].resumed {
            underruns += 1
        }
        entries[last].resumed = false
        entries[last].end = max(entries[last].end, at + length)
        if !wasPlaying {
            playsFrom = now + Self.cushion
            advancedAt = playsFrom
            reportedAt = playsFrom
        }
        return at
    }

    /// Lets time pass and returns the reports that are due.
    package mutating func advanced(to now: Duration) -> [Played] {
        guard now > playsFrom, isPlaying else {
            advancedAt = max(now, playsFrom)
            return []
        }
        var left = now - advancedAt
        advancedAt = now
        var due: [Played] = []
        while left > .zero, let first = entries.first {
            let available = first.end - first.position
            if available > left {
                entries[0].position += left
                break
            }
            left -= max(available, .zero)
            entries[0].position = max(first.end, first.position)
            if available > .zero { due.append(report(entries[0], at: now)) }
            if entries.count == 1 { break }
            entries.removeFirst()
        }
        if isPlaying, now - reportedAt >= Self.reportEvery, let first = entries.first, due.isEmpty {
            due.append(report(first, at: now))
        }
        return due
    }

    /// Barge-in: what is queued of `item` will not be heard. Nil when the item is not known here (any more).
    package mutating func flushed(_ item: String, at now: Duration) -> Played? {
        _ = advanced(to: now)
        guard let index = entries.firstIndex(where: { $0.id == item }) else { return nil }
        let entry = entries.remove(at: index)
        return report(entry, at: now)
    }

    private mutating func report(_ entry: Entry, at now: Duration) -> Played {
        reportedAt = now
        return Played(item: entry.id, milliseconds: Self.milliseconds(entry.position))
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
