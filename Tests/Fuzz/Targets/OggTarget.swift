import InterviewCore
import WireFormats

/// Reading a recording that a dead process, a bad disk or somebody else has left. Checksums are mended in most inputs, or
/// every one would be a damaged page.
///
/// Invariants: the same bytes give the same contents; whole and torn bytes are all bytes; packets hold no more bytes than
/// the file; lengths are not negative; a page or header written again reads the same.
final class OggTarget: FuzzTarget {
    let name = "ogg"
    let share = 100
    let longestInput = 70_000
    let seeds: [[UInt8]]
    let words =
        Dictionary.words("OggS", "OggS\0\u{2}", "OpusHead", "OpusTags", "OpusHead\u{1}\u{1}", "KEY=value", "=")
        + [[0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F], [0x00], [0xFF], [0xF8, 0xFF, 0xFE]]

    init() {
        var seeds: [[UInt8]] = []
        for (index, program) in OggScript.examples.enumerated() {
            var script = OggScript(tracks: 1 + index % 2)
            program.withUnsafeBytes { bytes in
                var program = Program(bytes)
                while let instruction = program.instruction() { script.follow(instruction, &program) }
            }
            script.finish()
            seeds.append(script.file)
        }
        self.seeds = seeds
    }

    func generate(_ random: inout Random) -> [UInt8] {
        var bytes: [UInt8] = []
        let serial = UInt32(random.below(3))
        for number in 0..<(1 + random.below(5)) {
            var body: [UInt8] = []
            if number < 2, random.chance(oneIn: 2) {
                let head = OpusHead(channels: random.byte(), preSkip: UInt16(truncatingIfNeeded: random.next()))
                body = number == 0 ? head.packet : OpusTags(vendor: "v", comments: [.init("A", "b")]).packet
            }
            body += random.bytes(random.length(upTo: 700))
            var segments: [UInt8] = []
            var rest = body.count
            while rest > 0, segments.count < 255 {
                let length = random.chance(oneIn: 3) ? min(rest, 255) : min(rest, random.below(256))
                segments.append(UInt8(length))
                rest -= length
            }
            let granule = Int64(bitPattern: random.pick(Dictionary.wild, or: 0))
            let page = OggPage(
                continued: random.chance(oneIn: 3), beginning: number == 0, end: random.chance(oneIn: 5),
                granule: random.chance(oneIn: 2) ? granule : Int64(number * 960), serial: serial,
                number: random.chance(oneIn: 4) ? UInt32(truncatingIfNeeded: random.next()) : UInt32(number),
                segments: segments, body: Array(body.prefix(body.count - rest)))
            page.write(into: &bytes)
        }
        return bytes
    }

    func mend(_ input: inout [UInt8], _ random: inout Random) {
        if random.chance(oneIn: 6) { return }
        var start = 0
        while start + OggPage.headerBytes <= input.count {
            guard input[start..<start + 4].elementsEqual("OggS".utf8) else {
                start += 1
                continue
            }
            let segments = Int(input[start + 26])
            let table = start + OggPage.headerBytes
            guard table + segments <= input.count else { return }
            let end = table + segments + input[table..<table + segments].reduce(0) { $0 + Int($1) }
            guard end <= input.count else {
                start += 4
                continue
            }
            for byte in 22..<26 { input[start + byte] = 0 }
            let checksum = OggChecksum.of(input[start..<end])
            for byte in 0..<4 { input[start + 22 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(byte))) }
            start = end
        }
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        let bytes = [UInt8](input)
        let contents = OggContents(bytes)
        let again = OggContents(bytes)
        try expect(
            contents.tracks == again.tracks && contents.pages == again.pages, "the same bytes give the same contents")
        try expect(contents.wholeBytes >= 0 && contents.tornBytes >= 0, "there are not less than no bytes")
        try expect(contents.wholeBytes + contents.tornBytes == bytes.count, "whole and torn bytes are all bytes")
        try expect(contents.tracks.count <= contents.pages, "each track begins on a page of its own")
        var packetBytes = 0
        for track in contents.tracks {
            try expect(track.length >= 0 && track.lostPages >= 0, "lengths and losses are not negative")
            try expect(track.packets.allSatisfy { (0...5_760).contains($0.units) }, "a packet has at most 120 ms")
            packetBytes += track.packets.reduce(0) { $0 + $1.bytes.count }
            try expect(OpusHead(track.head.packet) == track.head, "a head written again reads the same")
            if let tags = track.tags { try check(tags) }
        }
        try expect(packetBytes <= bytes.count, "packets hold no more bytes than the file")
        try checkPages(bytes)
        return contents.tracks.isEmpty ? .refused : .accepted
    }

    private func check(_ tags: OpusTags) throws(Broken) {
        try expect(tags.comments.count <= OpusTags.mostComments, "comments keep to their limit")
        try expect(OpusTags(tags.packet) == tags, "tags written again read the same")
    }

    private func checkPages(_ bytes: [UInt8]) throws(Broken) {
        var index = 0
        while case .page(let page, let next) = OggPage.parse(bytes, at: index) {
            try expect(next > index && next <= bytes.count, "the next page lies behind this one")
            var written: [UInt8] = []
            page.write(into: &written)
            try expect(
                OggPage.parse(written, at: 0) == .page(page, next: written.count), "a page written again reads the same"
            )
            index = next
        }
    }
}

/// Writing a recording and reading it back.
///
/// Invariants: every packet comes back in its track, in order, at its place; nothing is torn or lost; each track ends
/// where it was told to.
final class OggWriterTarget: FuzzTarget {
    let name = "ogg-writer"
    let share = 60
    let longestInput = 512
    let seeds = OggScript.examples

    func generate(_ random: inout Random) -> [UInt8] { random.bytes(random.length(upTo: 120)) }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        var program = Program(input)
        var script = OggScript(tracks: 1 + program.below(2))
        while let instruction = program.instruction() { script.follow(instruction, &program) }
        script.finish()
        let contents = OggContents(script.file)
        try expect(
            contents.tornBytes == 0 && contents.tracks.count == script.packets.count,
            "nothing is torn, no track is lost")
        for (track, packets) in zip(contents.tracks, script.packets) {
            try expect(track.ended && track.lostPages == 0, "a finished track is whole")
            try expect(track.packets.count >= packets.count, "no packet is lost")
            try expect(
                zip(track.packets, packets).allSatisfy { $0.bytes == $1 }, "packets come back as they were, in order")
            var start: Int64 = 0
            for packet in track.packets {
                try expect(packet.start == start, "each at its place")
                start += packet.units
            }
            try expect(track.length == script.length, "a track ends where it was told to")
        }
        return .accepted
    }
}

/// What a recorder does to a file, from a programme's instructions.
struct OggScript {
    /// Per track, what was written before its end.
    private(set) var packets: [[[UInt8]]]
    private(set) var file: [UInt8] = []
    private(set) var length: Int64 = 0
    private var writer: OggOpusWriter

    static let examples: [[UInt8]] = [
        [0, 0x10, 80, 0x10, 90, 0x20, 0, 0x10, 7, 0x30], [1, 0x10, 255, 0x11, 254, 0x30, 0x41, 50, 0x10, 255, 0x31],
        [0] + [UInt8](repeating: 0x10, count: 130), [1, 0x50, 200, 0x51, 255, 0x50, 255, 0x30, 0x10, 9],
    ]

    init(tracks: Int) {
        packets = Array(repeating: [], count: tracks)
        writer = OggOpusWriter(
            tracks: (0..<tracks).map { track in
                OggOpusWriter.Track(
                    serial: UInt32(7 + track), head: OpusHead(preSkip: UInt16(312 * track)),
                    tags: OpusTags(vendor: "voiced", comments: [.init("TRACK", String(track))]))
            })
    }

    mutating func follow(_ instruction: UInt8, _ program: inout Program) {
        let track = Int(instruction & 15) % packets.count
        switch instruction >> 4 {
        case 0, 1, 2: append(program.byte(), to: track)
        case 3: writer.take(everything: instruction & 8 == 8, into: &file)
        case 4: silence(Int64(program.byte()) * 120, in: track)
        case 5: append(program.byte() * 40, to: track)
        case 6: append(255 * program.below(9), to: track)
        // More than a page holds.
        case 15 where instruction & 14 == 14: append(65_000 + program.byte() * 300, to: track)
        default: append(program.below(4), to: track)
        }
    }

    /// A legal packet of one 20 ms frame; longer than an Opus frame may be, it is none, and has no length.
    private mutating func append(_ size: Int, to track: Int) {
        var packet = [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size + 1)
        packet[0] = 0xF8
        packets[track].append(packet)
        let units = OpusPacket(packet).map { Int64($0.units) } ?? 0
        packet.withUnsafeBytes { writer.append($0, units: units, track: track) }
    }

    private mutating func silence(_ units: Int64, in track: Int) {
        let before = writer.units(of: track)
        writer.appendSilence(units: units, track: track)
        var written = writer.units(of: track) - before
        while written >= AudioUnits.perFrame {
            packets[track].append(OpusPacket.silence)
            written -= AudioUnits.perFrame
        }
        for (length, packet) in OpusPacket.shorterSilences where written >= Int64(length) {
            packets[track].append(packet)
            written -= Int64(length)
        }
    }

    /// All tracks end together, the longest trimmed.
    mutating func finish() {
        let longest = packets.indices.map { writer.units(of: $0) - writer.preSkip(of: $0) }.max() ?? 0
        length = max(longest - 77, 1)
        for track in packets.indices { writer.finish(track: track, length: length) }
        writer.take(everything: true, into: &file)
    }
}
