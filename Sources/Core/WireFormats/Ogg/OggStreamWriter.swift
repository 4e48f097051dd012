/// Packs the packets of one logical stream into pages (RFC 3533). Pages come out whole; what is not yet a page waits.
package struct OggStreamWriter: Sendable {
    package let serial: UInt32
    private var number: UInt32 = 0
    private var segments: [UInt8] = []
    private var body: [UInt8] = []
    private var granule = OggPage.noGranule
    private var continued = false
    package private(set) var ended = false

    package init(serial: UInt32) { self.serial = serial }

    /// Nothing waits for a page.
    package var isEmpty: Bool { segments.isEmpty }
    /// Granule position of the page that is being filled.
    package var pendingGranule: Int64 { granule }

    /// `granule`: position after this packet. A packet that fits into no page with others gets its own; one of more than
    /// 65,024 bytes goes on over several pages.
    package mutating func append(_ packet: UnsafeRawBufferPointer, granule end: Int64, into out: inout [UInt8]) {
        guard !ended else { return }
        let needed = packet.count / 255 + 1
        if needed > OggPage.mostSegments - segments.count, !segments.isEmpty { flush(into: &out) }
        var rest = packet[...]
        while true {
            let piece = rest.prefix(255)
            if segments.count == OggPage.mostSegments {
                // The packet goes on: its position belongs to the page where it ends.
                emit(end: false, into: &out)
                continued = true
            }
            segments.append(UInt8(truncatingIfNeeded: piece.count))
            body.append(contentsOf: piece)
            rest = rest.dropFirst(255)
            // A last segment of 255 bytes is followed by an empty one: only a shorter one ends a packet.
            if piece.count < 255 { break }
        }
        granule = end
        if segments.count == OggPage.mostSegments { flush(into: &out) }
    }

    /// Makes a page of what waits, if anything does.
    package mutating func flush(into out: inout [UInt8]) {
        if !segments.isEmpty { emit(end: false, into: &out) }
    }

    /// The last page: what waits, or an empty one. `granule` less than what the packets add up to trims the end (RFC 7845,
    /// section 4.4).
    package mutating func finish(granule end: Int64, into out: inout [UInt8]) {
        guard !ended else { return }
        granule = end
        emit(end: true, into: &out)
        ended = true
    }

    private mutating func emit(end: Bool, into out: inout [UInt8]) {
        let page = OggPage(
            continued: continued, beginning: number == 0, end: end, granule: granule, serial: serial, number: number,
            segments: segments, body: body)
        page.write(into: &out)
        number &+= 1
        segments.removeAll(keepingCapacity: true)
        body.removeAll(keepingCapacity: true)
        granule = OggPage.noGranule
        continued = false
    }
}
