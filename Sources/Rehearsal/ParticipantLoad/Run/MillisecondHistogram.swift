/// Counts of whole milliseconds up to a second, so that millions of frames cost a fixed 4 KiB.
package struct MillisecondHistogram: Sendable {
    private static let bins = 1_001
    private var counts = [UInt32](repeating: 0, count: bins)
    package private(set) var count = 0
    /// The largest value, also beyond a second.
    package private(set) var largest = 0

    package init() {}

    /// Rounded up to a whole millisecond; what is below zero counts as zero.
    package mutating func add(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let micros = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        let milliseconds = Int(max(0, (micros + 999) / 1_000))
        let bin = min(milliseconds, Self.bins - 1)
        counts[bin] &+= 1
        count += 1
        largest = max(largest, milliseconds)
    }

    package mutating func add(_ other: MillisecondHistogram) {
        for bin in counts.indices { counts[bin] &+= other.counts[bin] }
        count += other.count
        largest = max(largest, other.largest)
    }

    /// The smallest value that `share` (0…1) of all are not above; 0 when there is none.
    package func percentile(_ share: Double) -> Int {
        guard count > 0 else { return 0 }
        let wanted = max(1, Int((share * Double(count)).rounded(.up)))
        var seen = 0
        for bin in counts.indices {
            seen += Int(counts[bin])
            if seen >= wanted { return bin == Self.bins - 1 ? largest : bin }
        }
        return largest
    }

    /// How many are above `milliseconds`.
    package func above(_ milliseconds: Int) -> Int {
        counts.dropFirst(max(0, milliseconds) + 1).reduce(0) { $0 + Int($1) }
    }
}
