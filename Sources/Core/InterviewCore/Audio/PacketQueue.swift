import DequeModule

/// The packets of one utterance in order: those heard (forgotten), those sent but not yet confirmed as heard, and those
/// still to send. Bytes lie in chunks, so that a minute of speech is a few dozen allocations and not three thousand.
struct PacketQueue: Sendable {
    static let chunkBytes = 8_192
    /// 20 ms of PCM at 24 kHz is 960 bytes, an Opus packet at most 1,276.
    static let longestPacket = 1_500

    private struct Place: Sendable {
        /// Chunks counted from the first that is kept.
        var chunk = 0
        var byte = 0
    }

    private var chunks: Deque<[UInt8]> = []
    private var lengths: Deque<UInt16> = []
    private var head = Place()
    private var cursor = Place()
    /// Number of the first packet that is kept.
    private(set) var first = 0
    /// Number of the next packet to send.
    private(set) var sent = 0
    /// Number of packets ever appended.
    var end: Int { first + lengths.count }
    var unsent: Int { end - sent }

    /// `packet`: 1 to `longestPacket` bytes.
    mutating func append(_ packet: UnsafeRawBufferPointer) {
        if let last = chunks.last, last.count + packet.count <= Self.chunkBytes {
            chunks[chunks.endIndex - 1].append(contentsOf: packet)
        } else {
            var chunk: [UInt8] = []
            chunk.reserveCapacity(Self.chunkBytes)
            chunk.append(contentsOf: packet)
            chunks.append(chunk)
        }
        lengths.append(UInt16(truncatingIfNeeded: packet.count))
    }

    /// The next packet to send; nil when there is none.
    mutating func next() -> [UInt8]? {
        guard unsent > 0 else { return nil }
        let length = Int(lengths[sent - first])
        cursor = settled(cursor)
        let range = cursor.byte..<cursor.byte + length
        let packet = chunks[cursor.chunk].withUnsafeBufferPointer { Array(UnsafeBufferPointer(rebasing: $0[range])) }
        cursor.byte += length
        sent += 1
        return packet
    }

    /// Forgets the packets before number `index`, unsent ones included.
    mutating func forget(before index: Int) {
        while first < min(index, end), let length = lengths.popFirst() {
            head = settled(head)
            head.byte += Int(length)
            first += 1
        }
        if sent < first {
            sent = first
            cursor = head
        }
        while head.chunk > 0, chunks.popFirst() != nil {
            head.chunk -= 1
            cursor.chunk -= 1
        }
    }

    /// Sends again from number `index` on, or from the first that is kept.
    mutating func rewind(to index: Int) {
        sent = first
        cursor = head
        while sent < min(index, end) {
            cursor = settled(cursor)
            cursor.byte += Int(lengths[sent - first])
            sent += 1
        }
    }

    /// A packet never straddles chunks: the end of one is the beginning of the next.
    private func settled(_ place: Place) -> Place {
        guard place.chunk < chunks.count, place.byte >= chunks[place.chunk].count else { return place }
        return Place(chunk: place.chunk + 1, byte: 0)
    }
}
