import OggRecorder
import Testing

@Suite("PartLayout")
struct PartLayoutTests {
    private static let part = RecorderSettings.partUnits

    @Test("both tracks begin at the start of the part; what comes later has silence in front")
    func gaps() {
        var layout = PartLayout(beginning: 10_000)
        #expect(
            layout.add(.participant, position: 10_000, units: 960)
                == [.open(part: 0, start: 10_000), .packet(part: 0, track: .participant)])
        #expect(layout.add(.participant, position: 10_960, units: 2_880) == [.packet(part: 0, track: .participant)])
        #expect(
            layout.add(.agent, position: 58_000, units: 960)
                == [.silence(part: 0, track: .agent, units: 48_000), .packet(part: 0, track: .agent)])
        #expect(
            layout.add(.participant, position: 13_840 + 1_000, units: 960)
                == [.silence(part: 0, track: .participant, units: 960), .packet(part: 0, track: .participant)])
        #expect(layout.finish(at: 100_000) == [.close(part: 0, length: 90_000)])
    }

    @Test("jitter under 2.5 ms is no gap and does not add up; an overlap follows the packet before")
    func jitter() {
        var layout = PartLayout(beginning: 0)
        _ = layout.add(.participant, position: 0, units: 960)
        for index in 1..<1_000 {
            let position = Int64(index) * 960 + (index % 2 == 0 ? 119 : -119)
            #expect(layout.add(.participant, position: position, units: 960) == [.packet(part: 0, track: .participant)])
        }
        #expect(layout.add(.participant, position: 5, units: 960) == [.packet(part: 0, track: .participant)])
        #expect(layout.finish(at: nil) == [.close(part: 0, length: 1_001 * 960)])
    }

    @Test("a new part begins with the first packet after the old one's end, without a hole between them")
    func rotation() {
        var layout = PartLayout(beginning: 0)
        var operations: [PartLayout.Operation] = []
        for index in 0..<6_500 {
            operations += layout.add(.participant, position: Int64(index) * 960 + 77, units: 960)
            operations += layout.add(.agent, position: Int64(index) * 960 + 500, units: 960)
        }
        operations += layout.finish(at: 6_500 * 960)
        let starts = operations.compactMap { if case .open(_, let start) = $0 { start } else { nil } }
        let lengths = operations.compactMap { if case .close(_, let length) = $0 { length } else { nil } }
        let expected: [Int64] = [0, 2_870_477, 5_740_877]
        #expect(starts == expected)
        #expect(lengths.count == 3)
        for index in 0..<2 { #expect(starts[index] + lengths[index] == starts[index + 1]) }
        #expect(lengths.allSatisfy { $0 <= 60 * 48_000 })
        let end: Int64 = starts[2] + lengths[2]
        #expect(end >= 6_240_000)
    }

    @Test("a track that is minutes behind fills the parts that were kept open for it")
    func lagging() {
        var layout = PartLayout(beginning: 0)
        _ = layout.add(.participant, position: 0, units: 960)
        // The line breaks; the agent speaks three minutes later.
        let later: Int64 = 180 * 48_000
        let opened = layout.add(.agent, position: later, units: 960)
        #expect(opened.filter { if case .close = $0 { true } else { false } }.isEmpty)
        // The participant's sound is sent again.
        var closed: [Int] = []
        var packets: [Int: Int] = [:]
        for index in 1...9_000 {
            for operation in layout.add(.participant, position: Int64(index) * 960, units: 960) {
                if case .close(let part, let length) = operation {
                    closed.append(part)
                    #expect(length == Self.part)
                }
                if case .packet(let part, _) = operation { packets[part, default: 0] += 1 }
                if case .silence = operation { Issue.record("silence within unbroken sound") }
            }
        }
        #expect(closed == [0, 1, 2])
        #expect(packets == [0: 2_989, 1: 2_990, 2: 2_990, 3: 31])
    }

    @Test("at most 12 parts are open: the oldest is closed as it is")
    func mostOpen() {
        var layout = PartLayout(beginning: 0)
        var open = Set<Int>()
        for minute in 0..<40 {
            for operation in layout.add(.agent, position: Int64(minute) * Self.part, units: 960) {
                switch operation {
                case .open(let part, _): open.insert(part)
                case .close(let part, let length):
                    open.remove(part)
                    #expect(length == Self.part)
                case .silence, .packet: break
                }
            }
            #expect(open.count <= RecorderSettings.mostOpenParts)
        }
        // What still comes for a closed part goes to the oldest one that is open.
        #expect(layout.add(.participant, position: 0, units: 960).last == .packet(part: 28, track: .participant))
    }

    @Test("over 10 minutes without any packet are not written; the next part says where it begins")
    func longSilence() {
        var layout = PartLayout(beginning: 0)
        _ = layout.add(.participant, position: 0, units: 960)
        let far = RecorderSettings.longestSilence + Self.part + 1
        #expect(
            layout.add(.participant, position: far, units: 960) == [
                .open(part: 1, start: far), .packet(part: 1, track: .participant),
            ])
        #expect(
            layout.add(.agent, position: far, units: 960) == [
                .close(part: 0, length: Self.part), .packet(part: 1, track: .agent),
            ])
    }

    @Test(
        "the end",
        arguments: [
            // (position of the end, parts with their lengths)
            (0, []), (1, [1]), (48_000, [48_000]), (part, [part]),
            // Within 60 ms the last part grows a little, further it is followed by another.
            (part + 2_880, [part + 2_880]), (part + 2_881, [part, 2_881]), (2 * part + 48_000, [part, part, 48_000]),
        ] as [(Int64, [Int64])])
    func ends(position: Int64, lengths: [Int64]) {
        var layout = PartLayout(beginning: 0)
        let closed = layout.finish(at: position)
            .compactMap { if case .close(_, let length) = $0 { length } else { nil } }
        // Nothing was recorded: silence all the same, so that the conversation's length is right.
        if position > Self.part, position <= Self.part + 2_880 {
            #expect(closed.reduce(0, +) == position)
        } else {
            #expect(closed == lengths)
        }
    }

    @Test("an end before what is written cuts nothing off")
    func earlyEnd() {
        var layout = PartLayout(beginning: 0)
        for index in 0..<10 { _ = layout.add(.agent, position: Int64(index) * 960, units: 960) }
        #expect(layout.finish(at: 100) == [.close(part: 0, length: 9_600)])
    }
}

@Suite("PacketBuffer")
struct PacketBufferTests {
    @Test("packets come back as they went in")
    func roundTrip() {
        let buffer = PacketBuffer()
        for number in 0..<100 {
            let packet = [UInt8](repeating: UInt8(number), count: number)
            let track: RecordedTrack = number % 2 == 0 ? .participant : .agent
            #expect(packet.withUnsafeBytes { buffer.append(track, $0, at: Int64(number) << 33) } == .gathered)
        }
        var run: [UInt8] = []
        buffer.take(&run)
        var number = 0
        PacketBuffer.forEach(in: run) { track, position, packet in
            #expect(track == (number % 2 == 0 ? .participant : .agent))
            #expect(position == Int64(number) << 33)
            #expect(Array(packet) == [UInt8](repeating: UInt8(number), count: number))
            number += 1
        }
        #expect(number == 100)
    }

    @Test("64 KiB are handed over at once; what the writer never takes is bounded and makes the recording fail")
    func limits() {
        let buffer = PacketBuffer()
        let packet = [UInt8](repeating: 1, count: 1_000)
        var answers: [PacketBuffer.OnAppended: Int] = [:]
        for _ in 0..<2_000 {
            answers[packet.withUnsafeBytes { buffer.append(.agent, $0, at: 0) }, default: 0] += 1
        }
        #expect(answers[.handOver] == 1)
        #expect((answers[.gathered] ?? 0) + 1 == RecorderSettings.mostBytes / 1_011)
        #expect(buffer.failed)
        var run: [UInt8] = []
        buffer.take(&run)
        #expect(run.count <= RecorderSettings.mostBytes)
        #expect(packet.withUnsafeBytes { buffer.append(.agent, $0, at: 0) } == .gathered)
        #expect(buffer.finish())
        #expect(!buffer.finish())
        #expect(packet.withUnsafeBytes { buffer.append(.agent, $0, at: 0) } == .lost)
    }
}
