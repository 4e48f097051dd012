import InterviewCore

/// Writes several Opus tracks that begin at the same instant into one Ogg file (RFC 7845): headers first, then pages of
/// the tracks in the order of their time. Only makes bytes; whoever holds it writes them. A granule position is the
/// number of 48 kHz samples up to the end of the page, pre-skip included.
package struct OggOpusWriter: Sendable {
    package struct Track: Hashable, Sendable {
        package var serial: UInt32
        package var head: OpusHead
        package var tags: OpusTags
        package init(serial: UInt32, head: OpusHead, tags: OpusTags) {
            self.serial = serial
            self.head = head
            self.tags = tags
        }
    }

    /// A page holds at most so much sound, so that tracks stay together and seeking is exact (RFC 7845, section 6).
    package static let pageUnits: Int64 = AudioUnits.perSecond

    private struct Stream: Sendable {
        var writer: OggStreamWriter
        /// Sound written so far.
        var units: Int64 = 0
        /// Sound in the page that is being filled.
        var pending: Int64 = 0
        let preSkip: Int64
        /// Finished pages that wait for `take`, with their position.
        var pages: [(end: Int64, bytes: [UInt8])] = []
    }
    private var streams: [Stream]
    private var headers: [UInt8]

    package init(tracks: [Track]) {
        headers = []
        streams = tracks.map {
            Stream(writer: OggStreamWriter(serial: $0.serial), preSkip: Int64($0.head.preSkip))
        }
        // Section 3: all identification headers first, each alone on its page; then the comment headers.
        for (index, track) in tracks.enumerated() { header(index, track.head.packet) }
        for (index, track) in tracks.enumerated() { header(index, track.tags.packet) }
    }

    private mutating func header(_ index: Int, _ packet: [UInt8]) {
        packet.withUnsafeBytes { streams[index].writer.append($0, granule: 0, into: &headers) }
        streams[index].writer.flush(into: &headers)
    }

    /// Sound of a track written so far, in 48 kHz units.
    package func units(of track: Int) -> Int64 { streams.indices.contains(track) ? streams[track].units : 0 }
    package func preSkip(of track: Int) -> Int64 { streams.indices.contains(track) ? streams[track].preSkip : 0 }

    /// `units`: length of the packet.
    package mutating func append(_ packet: UnsafeRawBufferPointer, units: Int64, track: Int) {
        guard streams.indices.contains(track) else { return }
        if streams[track].pending + units > Self.pageUnits { closePage(track) }
        streams[track].units += units
        streams[track].pending += units
        var bytes: [UInt8] = []
        let end = streams[track].units
        streams[track].writer.append(packet, granule: end, into: &bytes)
        if !bytes.isEmpty {
            streams[track].pages.append((end, bytes))
            streams[track].pending = streams[track].writer.isEmpty ? 0 : units
        }
    }

    /// Digital silence, in steps of 2.5 ms; what is less is left out. Answers what was written.
    @discardableResult
    package mutating func appendSilence(units: Int64, track: Int) -> Int64 {
        var rest = units
        while rest >= AudioUnits.perFrame {
            OpusPacket.silence.withUnsafeBytes { append($0, units: AudioUnits.perFrame, track: track) }
            rest -= AudioUnits.perFrame
        }
        for (length, packet) in OpusPacket.shorterSilences where rest >= Int64(length) {
            packet.withUnsafeBytes { append($0, units: Int64(length), track: track) }
            rest -= Int64(length)
        }
        return max(0, units - max(0, rest))
    }

    /// Ends a track so that exactly `length` units are heard of it: silence where it is shorter, trimmed where it is
    /// longer.
    package mutating func finish(track: Int, length: Int64) {
        guard streams.indices.contains(track), !streams[track].writer.ended else { return }
        let whole = max(0, length) + streams[track].preSkip
        let missing = whole - streams[track].units
        if missing > 0 {
            // Up to a grain more than is missing, then trimmed.
            appendSilence(units: (missing + AudioUnits.grain - 1) / AudioUnits.grain * AudioUnits.grain, track: track)
        }
        var bytes: [UInt8] = []
        streams[track].writer.finish(granule: whole, into: &bytes)
        streams[track].pages.append((whole, bytes))
        streams[track].pending = 0
    }

    /// Moves bytes that are due to `out`, pages in the order of time. `everything`: also pages that are not full.
    package mutating func take(everything: Bool, into out: inout [UInt8]) {
        if everything { for track in streams.indices { closePage(track) } }
        out.append(contentsOf: headers)
        headers = []
        while let track = streams.indices.filter({ !streams[$0].pages.isEmpty })
            .min(by: { streams[$0].pages[0].end < streams[$1].pages[0].end })
        {
            out.append(contentsOf: streams[track].pages.removeFirst().bytes)
        }
    }

    private mutating func closePage(_ track: Int) {
        guard !streams[track].writer.isEmpty else { return }
        var bytes: [UInt8] = []
        let end = streams[track].units
        streams[track].writer.flush(into: &bytes)
        streams[track].pages.append((end, bytes))
        streams[track].pending = 0
    }
}
