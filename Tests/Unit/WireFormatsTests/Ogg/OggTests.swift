import InterviewCore
import Testing
import WireFormats

@Suite("OggPage")
struct OggPageTests {
    private func page(segments: [UInt8], body: [UInt8]) -> OggPage {
        OggPage(
            continued: true, beginning: false, end: true, granule: -1, serial: 0xDEAD_BEEF, number: 7,
            segments: segments, body: body)
    }

    /// Byte for byte by RFC 3533, section 6; the checksum computed with another implementation of CRC-32/MPEG-2 (start
    /// value 0).
    @Test("a page has the layout of RFC 3533")
    func layout() {
        var bytes: [UInt8] = []
        page(segments: [3], body: [1, 2, 3]).write(into: &bytes)
        #expect(Array(bytes[0..<6]) == [0x4F, 0x67, 0x67, 0x53, 0, 5])
        #expect(Array(bytes[6..<14]) == [UInt8](repeating: 0xFF, count: 8))
        #expect(Array(bytes[14..<22]) == [0xEF, 0xBE, 0xAD, 0xDE, 7, 0, 0, 0])
        #expect(Array(bytes[26...]) == [1, 3, 1, 2, 3])
    }

    @Test("the checksum is CRC-32 with polynomial 04C11DB7, start 0, unreflected")
    func checksum() {
        // "123456789" by a bitwise reference, and a known single byte.
        let bytes = Array("123456789".utf8)
        var reference: UInt32 = 0
        for byte in bytes {
            reference ^= UInt32(byte) << 24
            for _ in 0..<8 { reference = reference >> 31 == 1 ? reference << 1 ^ 0x04C1_1DB7 : reference << 1 }
        }
        #expect(OggChecksum.of(bytes[...]) == reference)
        #expect(OggChecksum.of(bytes[...]) == 0x89A1_897F)
        #expect(OggChecksum.of([1][...]) == 0x04C1_1DB7)
    }

    @Test("what was written is read again")
    func roundTrip() {
        let written = page(segments: [255, 10], body: (0..<265).map { UInt8(truncatingIfNeeded: $0) })
        var bytes: [UInt8] = [9, 9]
        written.write(into: &bytes)
        #expect(OggPage.parse(bytes, at: 2) == .page(written, next: bytes.count))
        #expect(OggPage.parse(bytes, at: 0) == .notAPage)
    }

    @Test("a changed bit anywhere is noticed, a cut anywhere too")
    func damage() {
        var bytes: [UInt8] = []
        page(segments: [30], body: [UInt8](repeating: 0x55, count: 30)).write(into: &bytes)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x10
            if case .page = OggPage.parse(damaged, at: 0) { Issue.record("byte \(index) was changed unnoticed") }
            #expect(OggPage.parse(Array(bytes[..<index]), at: 0) == .truncated)
        }
    }
}

@Suite("OggStreamWriter")
struct OggStreamWriterTests {
    private func pages(_ bytes: [UInt8]) -> [OggPage] {
        var pages: [OggPage] = []
        var index = 0
        while case .page(let page, let next) = OggPage.parse(bytes, at: index) {
            pages.append(page)
            index = next
        }
        #expect(index == bytes.count)
        return pages
    }

    @Test(
        "lacing: a packet ends with a segment under 255 bytes",
        arguments: [(0, [0]), (1, [1]), (254, [254]), (255, [255, 0]), (256, [255, 1]), (510, [255, 255, 0])]
            as [(Int, [UInt8])])
    func lacing(bytes: Int, segments: [UInt8]) {
        var writer = OggStreamWriter(serial: 1)
        var out: [UInt8] = []
        [UInt8](repeating: 7, count: bytes).withUnsafeBytes { writer.append($0, granule: 960, into: &out) }
        #expect(out.isEmpty)
        writer.flush(into: &out)
        #expect(pages(out).map(\.segments) == [segments])
        #expect(pages(out).map(\.granule) == [960])
    }

    @Test("a page has at most 255 segments; a packet that does not fit begins the next")
    func full() {
        var writer = OggStreamWriter(serial: 1)
        var out: [UInt8] = []
        for number in 1...200 {
            [UInt8](repeating: 7, count: 300).withUnsafeBytes {
                writer.append($0, granule: Int64(number) * 960, into: &out)
            }
        }
        writer.finish(granule: 200 * 960, into: &out)
        let pages = pages(out)
        #expect(pages.map(\.segments.count) == [254, 146])
        #expect(pages.map(\.granule) == [127 * 960, 200 * 960])
        #expect(pages.map(\.number) == [0, 1])
        #expect(pages.map(\.beginning) == [true, false])
        #expect(pages.map(\.end) == [false, true])
    }

    @Test("a packet larger than a page goes on over several; pages on which none ends have no position")
    func continued() {
        var writer = OggStreamWriter(serial: 1)
        var out: [UInt8] = []
        let packet = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        packet.withUnsafeBytes { writer.append($0, granule: 5, into: &out) }
        writer.flush(into: &out)
        let pages = pages(out)
        #expect(pages.map(\.continued) == [false, true, true])
        #expect(pages.map(\.granule) == [-1, -1, 5])
        #expect(pages.flatMap(\.body) == packet)
    }

    @Test("a stream that ends with nothing waiting ends with an empty page, once")
    func emptyEnd() {
        var writer = OggStreamWriter(serial: 1)
        var out: [UInt8] = []
        [UInt8(1)].withUnsafeBytes { writer.append($0, granule: 960, into: &out) }
        writer.flush(into: &out)
        writer.finish(granule: 960, into: &out)
        writer.finish(granule: 2_000, into: &out)
        #expect(pages(out).map(\.segments.count) == [1, 0])
        #expect(pages(out).map(\.end) == [false, true])
    }
}

@Suite("OpusHead and OpusTags")
struct OpusHeaderTests {
    @Test("the head has the 19 bytes of RFC 7845")
    func head() {
        let head = OpusHead(preSkip: 312, inputRate: 24_000)
        #expect(
            head.packet == Array("OpusHead".utf8) + [1, 1, 0x38, 0x01, 0xC0, 0x5D, 0, 0, 0, 0, 0])
        #expect(OpusHead(head.packet) == head)
    }

    @Test(
        "what is no head is none",
        arguments: [
            [], Array("OpusHead".utf8), Array("OpusTags".utf8) + [UInt8](repeating: 0, count: 20),
            Array("OpusHead".utf8) + [16, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Array("OpusHead".utf8) + [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ] as [[UInt8]])
    func noHead(bytes: [UInt8]) {
        #expect(OpusHead(bytes) == nil)
    }

    @Test("comments come back, keys without case")
    func tags() {
        let tags = OpusTags(vendor: "voiced", comments: [.init("VOICED_START", "48000"), .init("TITLE", "a=b")])
        let read = OpusTags(tags.packet)
        #expect(read == tags)
        #expect(read?["voiced_start"] == "48000")
        #expect(read?["title"] == "a=b")
        #expect(read?["none"] == nil)
    }

    @Test("cut or lying tags are refused")
    func badTags() {
        let packet = OpusTags(vendor: "voiced", comments: [.init("A", "b")]).packet
        for length in 0..<packet.count { #expect(OpusTags(Array(packet[..<length])) == nil) }
        var lying = packet
        lying[8] = 255
        lying[11] = 255
        #expect(OpusTags(lying) == nil)
    }
}

@Suite("OggOpusWriter and OggContents")
struct OggOpusTests {
    private func writer(preSkip: UInt16 = 312) -> OggOpusWriter {
        OggOpusWriter(
            tracks: (0..<2).map {
                .init(
                    serial: 100 + UInt32($0), head: OpusHead(preSkip: preSkip),
                    tags: OpusTags(vendor: "voiced", comments: [.init("TITLE", "track \($0)")]))
            })
    }

    private func file(seconds: Int) -> (bytes: [UInt8], packets: [[UInt8]]) {
        var writer = writer()
        var bytes: [UInt8] = []
        var packets: [[UInt8]] = []
        for number in 0..<seconds * 50 {
            let packet = [0xF8] + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 20 + number % 300)
            packets.append(packet)
            for track in 0..<2 { packet.withUnsafeBytes { writer.append($0, units: 960, track: track) } }
            if number % 50 == 49 { writer.take(everything: false, into: &bytes) }
        }
        for track in 0..<2 { writer.finish(track: track, length: Int64(seconds) * 48_000) }
        writer.take(everything: true, into: &bytes)
        return (bytes, packets)
    }

    @Test("two tracks come back packet by packet, headers first, exactly as long as asked")
    func roundTrip() throws {
        let (bytes, packets) = file(seconds: 10)
        let contents = OggContents(bytes)
        #expect(contents.tornBytes == 0)
        #expect(contents.tracks.count == 2)
        for (index, track) in contents.tracks.enumerated() {
            #expect(track.tags?["TITLE"] == "track \(index)")
            #expect(track.head.preSkip == 312)
            #expect(track.packets.prefix(500).map(\.bytes) == packets)
            #expect(track.packets.prefix(501).map(\.start) == (0...500).map { Int64($0) * 960 })
            #expect(track.length == 480_000)
            #expect(track.ended)
            #expect(track.lostPages == 0)
        }
    }

    @Test("pages hold at most a second and lie in the order of their time")
    func order() {
        let (bytes, _) = file(seconds: 10)
        var index = 0
        var ends: [Int64] = []
        while case .page(let page, let next) = OggPage.parse(bytes, at: index) {
            if page.granule > 0 { ends.append(page.granule) }
            index = next
        }
        #expect(ends == ends.sorted())
        #expect(ends.prefix(4) == [48_000, 48_000, 96_000, 96_000])
    }

    @Test("a file cut at any byte still gives all whole pages before the cut")
    func cut() {
        let (bytes, packets) = file(seconds: 2)
        var most = 0
        for length in stride(from: 0, through: bytes.count, by: 7) {
            let contents = OggContents(Array(bytes[..<length]))
            #expect(contents.wholeBytes + contents.tornBytes == length)
            for track in contents.tracks {
                #expect(track.packets.prefix(100).map(\.bytes) == Array(packets.prefix(min(100, track.packets.count))))
                most = max(most, track.packets.count)
            }
        }
        #expect(most >= 100)
    }

    @Test("a damaged page costs its packets; the others keep their places")
    func damaged() {
        var (bytes, packets) = file(seconds: 4)
        var index = 0
        var starts: [Int] = []
        while case .page(_, let next) = OggPage.parse(bytes, at: index) {
            starts.append(index)
            index = next
        }
        // Pages 0 to 3 are headers, 4 and 5 the first second.
        bytes[starts[6] + 100] ^= 1
        let contents = OggContents(bytes)
        let track = contents.tracks[0]
        #expect(track.lostPages == 1)
        #expect(contents.tracks[1].lostPages == 0)
        #expect(track.packets.prefix(150).map(\.bytes) == Array(packets[..<50] + packets[100...]))
        #expect(track.packets[49].start == 49 * 960)
        #expect(track.packets[50].start == 100 * 960)
        #expect(track.length == 4 * 48_000)
    }

    @Test("the end is padded or trimmed to the unit", arguments: [Int64(1), 119, 120, 647, 648, 649, 959, 960, 48_000])
    func ends(length: Int64) throws {
        var writer = writer()
        var bytes: [UInt8] = []
        OpusPacket.silence.withUnsafeBytes { writer.append($0, units: 960, track: 0) }
        for track in 0..<2 { writer.finish(track: track, length: length) }
        writer.take(everything: true, into: &bytes)
        let contents = OggContents(bytes)
        for track in contents.tracks {
            #expect(track.length == length)
            let sound = track.packets.reduce(0) { $0 + $1.units }
            #expect(sound >= length + 312)
        }
    }

    @Test("silence comes in the longest packets that fit")
    func silence() {
        var writer = writer()
        #expect(writer.appendSilence(units: 960 * 2 + 480 + 120 + 77, track: 0) == 960 * 2 + 480 + 120)
        #expect(writer.appendSilence(units: 119, track: 0) == 0)
        #expect(writer.appendSilence(units: -5, track: 0) == 0)
        #expect(writer.units(of: 0) == 2_520)
        var bytes: [UInt8] = []
        writer.take(everything: true, into: &bytes)
        #expect(OggContents(bytes).tracks[0].packets.map(\.units) == [960, 960, 480, 120])
    }

    @Test("any bytes at all are read without harm")
    func garbage() {
        var generator = SystemRandomNumberGenerator()
        let (good, _) = file(seconds: 1)
        for _ in 0..<300 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            #expect(OggContents(bytes).tracks.count <= 2)
        }
        #expect(OggContents([]).tracks.isEmpty)
        #expect(OggContents(Array("OggSOggSOggS".utf8)).tracks.isEmpty)
    }
}
