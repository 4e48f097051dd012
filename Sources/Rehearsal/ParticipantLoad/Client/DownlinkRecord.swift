import InterviewCore

/// What came down: frames counted against their sequence and measured against the clock they should have kept. Late is
/// a frame at the socket after (arrival of its item's first frame here) + n × 20 ms.
package struct DownlinkRecord: Sendable {
    package struct Item: Sendable {
        package var id: String
        package var announcedAt: Duration
        package var firstFrameAt: Duration?
        package var frames = 0
        package var flushedAt: Duration?
        /// Positions (from the item's beginning) of the first frame of each connection that carried it: one entry, or
        /// more after rejoins.
        package var begins: [Duration] = []
    }

    package private(set) var frames = 0
    package private(set) var bytes = 0
    /// Sequence numbers that never came.
    package private(set) var missing = 0
    /// Sequence numbers that came again or out of order.
    package private(set) var repeated = 0
    /// Timestamps that went back within a connection.
    package private(set) var timestampsBack = 0
    /// Frames of an item that was flushed.
    package private(set) var afterFlush = 0
    /// Frames before any item was announced on their connection.
    package private(set) var unannounced = 0
    package var misplaced: Int { afterFlush + unannounced }
    package private(set) var items: [Item] = []
    package private(set) var lateness = MillisecondHistogram()

    private var expected: UInt16?
    private var lastTimestamp: UInt32?
    private var base: (at: Duration, timestamp: UInt32)?
    private var currentIndex: Int?
    /// The item that frames belong to.
    package var current: String? { currentIndex.map { items[$0].id } }

    /// Items that are remembered; older ones stay in the counts only.
    package static let mostItems = 10_000

    package init() {}

    /// Sequence, timestamps and pacing belong to their connection.
    package mutating func connected() {
        expected = nil
        lastTimestamp = nil
        base = nil
        currentIndex = nil
    }

    package mutating func itemBegan(_ id: String, at now: Duration) {
        base = nil
        if let known = items.lastIndex(where: { $0.id == id }) {
            currentIndex = known
        } else {
            if items.count == Self.mostItems { items.removeFirst() }
            items.append(Item(id: id, announcedAt: now))
            currentIndex = items.count - 1
        }
    }

    package mutating func flushed(_ id: String, at now: Duration) {
        guard let known = items.lastIndex(where: { $0.id == id }) else { return }
        items[known].flushedAt = now
    }

    /// Returns true for the first frame of an item ever.
    package mutating func received(
        _ header: AudioFrameHeader, bytes count: Int, position: Duration?, at now: Duration
    ) -> Bool {
        frames += 1
        bytes += count
        follow(header.sequence)
        if let lastTimestamp, SerialDistance.between(lastTimestamp, header.timestamp) < 0 { timestampsBack += 1 }
        lastTimestamp = header.timestamp
        guard let current = currentIndex else {
            unannounced += 1
            return false
        }
        guard items[current].flushedAt == nil else {
            afterFlush += 1
            return false
        }
        items[current].frames += 1
        guard let base else {
            base = (now, header.timestamp)
            items[current].begins.append(position ?? .zero)
            lateness.add(.zero)
            guard items[current].firstFrameAt == nil else { return false }
            items[current].firstFrameAt = now
            return true
        }
        let units = SerialDistance.between(base.timestamp, header.timestamp)
        lateness.add(now - base.at - .nanoseconds(Int64(units) * 1_000_000 / 48))
        return false
    }

    private mutating func follow(_ sequence: UInt16) {
        guard let known = expected else {
            expected = sequence &+ 1
            return
        }
        let distance = SerialDistance.between(known, sequence)
        if distance < 0 {
            repeated += 1
            return
        }
        missing += distance
        expected = sequence &+ 1
    }
}
