import InterviewCore

/// What an Ogg file with Opus tracks holds. Takes what a dead process left: a torn page at the end is dropped, a damaged
/// one in the middle is skipped.
package struct OggContents: Sendable {
    package struct Packet: Hashable, Sendable {
        package var bytes: [UInt8]
        /// 48 kHz units from the start of the track to the start of the packet, pre-skip included.
        package var start: Int64
        package var units: Int64
    }

    package struct Track: Hashable, Sendable {
        package var serial: UInt32
        package var head: OpusHead
        package var tags: OpusTags?
        package var packets: [Packet] = []
        /// Of the last whole page with sound.
        package var granule: Int64 = 0
        /// The stream has its last page.
        package var ended = false
        /// Pages that were missing or damaged.
        package var lostPages = 0

        /// What a player plays, in 48 kHz units.
        package var length: Int64 { max(0, granule - Int64(head.preSkip)) }
    }

    /// In the order of their first pages.
    package var tracks: [Track] = []
    /// Bytes up to the end of the last whole page.
    package var wholeBytes = 0
    /// Bytes after that: a torn page.
    package var tornBytes = 0
    package var pages = 0

    /// `bytes`: a whole file; ours have at most a minute.
    package init(_ bytes: [UInt8]) {
        var unfinished: [UInt32: Assembly] = [:]
        var index = 0
        while index < bytes.count {
            switch OggPage.parse(bytes, at: index) {
            case .page(let page, let next):
                pages += 1
                index = next
                wholeBytes = next
                take(page, &unfinished[page.serial, default: Assembly()])
            case .notAPage:
                index = Self.nextCapture(bytes, after: index)
            case .truncated:
                // A damaged length may claim more bytes than there are: look behind it.
                index = Self.nextCapture(bytes, after: index)
            }
        }
        tornBytes = bytes.count - wholeBytes
    }

    private struct Assembly {
        var track: Int?
        var number: UInt32?
        var partial: [UInt8]?
        var packetsSeen = 0
    }

    private static func nextCapture(_ bytes: [UInt8], after index: Int) -> Int {
        var next = index + 1
        while next < bytes.count, bytes[next] != OggPage.capture[0] { next += 1 }
        return next
    }

    private mutating func take(_ page: OggPage, _ assembly: inout Assembly) {
        if let last = assembly.number, page.number != last &+ 1 {
            assembly.partial = nil
            if let track = assembly.track { tracks[track].lostPages += Int(page.number &- last &- 1) }
        }
        assembly.number = page.number
        let before = assembly.track.map { tracks[$0].packets.count } ?? 0
        var packet: [UInt8]? = page.continued ? assembly.partial : []
        var index = 0
        for segment in page.segments {
            packet?.append(contentsOf: page.body[index..<index + Int(segment)])
            index += Int(segment)
            if segment < 255 {
                if let packet { finish(packet, page, &assembly) }
                packet = []
            }
        }
        assembly.partial = page.segments.last == 255 ? packet : nil
        guard let track = assembly.track, assembly.packetsSeen > 0 else { return }
        if page.granule > 0 { tracks[track].granule = page.granule }
        if page.end { tracks[track].ended = true }
        if !page.end { settle(track, from: before, granule: page.granule) }
    }

    /// After lost pages the granule position says where this page's packets belong.
    private mutating func settle(_ track: Int, from index: Int, granule: Int64) {
        guard tracks[track].lostPages > 0, granule > 0, let last = tracks[track].packets.last else { return }
        let shift = granule &- (last.start &+ last.units)
        guard shift != 0 else { return }
        for packet in tracks[track].packets.indices.dropFirst(index) { tracks[track].packets[packet].start &+= shift }
    }

    private mutating func finish(_ packet: [UInt8], _ page: OggPage, _ assembly: inout Assembly) {
        guard let track = assembly.track else {
            guard page.beginning, let head = OpusHead(packet) else { return }
            assembly.track = tracks.count
            tracks.append(Track(serial: page.serial, head: head))
            return
        }
        if assembly.packetsSeen == 0, let tags = OpusTags(packet) {
            tracks[track].tags = tags
            assembly.packetsSeen = 1
            return
        }
        assembly.packetsSeen += 1
        let last = tracks[track].packets.last
        let units = OpusPacket(packet).map { Int64($0.units) } ?? 0
        tracks[track].packets.append(
            Packet(bytes: packet, start: last.map { $0.start &+ $0.units } ?? 0, units: units))
    }
}
