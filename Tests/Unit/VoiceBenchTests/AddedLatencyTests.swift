import Testing
import WireFormats
import voice_bench

@Suite struct AddedLatencyTests {
    private static let media = 1_000
    private static let provider = 2_000
    private static let millisecond: Int64 = 1_000_000

    /// Writes down what a capture would see of one conversation; times in milliseconds.
    private struct Wire {
        let line: UInt16
        let connection: UInt16
        private(set) var segments: [PacketCapture.Segment] = []
        private var sequences: [UInt16: UInt32] = [:]

        init(_ number: UInt16) {
            line = 10_000 + number
            connection = 20_000 + number
        }

        private mutating func see(_ at: Double, from: UInt16, to: UInt16, _ length: Int, _ first: UInt8) {
            let sequence = sequences[from, default: .max - 2_000]
            sequences[from] = sequence &+ UInt32(length)
            segments.append(
                PacketCapture.Segment(
                    at: Int64(at * 1e6), source: from, destination: to, sequence: sequence, length: length,
                    first: first))
        }

        mutating func joins(_ at: Double) { see(at, from: line, to: 1_000, 300, UInt8(ascii: "G")) }
        mutating func frame(_ at: Double) { see(at, from: line, to: 1_000, 130, 0x82) }
        mutating func asks(_ at: Double) { see(at, from: connection, to: 2_000, 240, 0x81) }
        mutating func append(_ at: Double, frames: Int = 1) {
            let length = OpenAIAudioAppend.byteCount(samples: 480 * frames) + 8
            see(at, from: connection, to: 2_000, length, 0x81)
        }
        mutating func sound(_ at: Double) {
            segments.append(
                PacketCapture.Segment(
                    at: Int64(at * 1e6), source: 2_000, destination: connection, sequence: UInt32(at * 10_000),
                    length: 6_600, first: 0x81))
        }
        mutating func speaks(_ at: Double) {
            segments.append(
                PacketCapture.Segment(
                    at: Int64(at * 1e6), source: 1_000, destination: line, sequence: UInt32(at * 1_000), length: 110,
                    first: 0x82))
        }
        mutating func lastAgain(_ at: Double) {
            guard var last = segments.last else { return }
            last.at = Int64(at * 1e6)
            segments.append(last)
        }

        mutating func greets(joined: Double = 0) {
            joins(joined)
            asks(joined + 3)
            sound(joined + 303)
            speaks(joined + 304)
        }
    }

    private func added(_ wires: Wire...) -> AddedLatency {
        AddedLatency(
            wires.flatMap(\.segments).sorted { $0.at < $1.at }, media: Self.media, provider: Self.provider)
    }

    private func milliseconds(_ samples: [AddedLatency.Sample]) -> [Int64] {
        samples.map { ($0.took + Self.millisecond / 2) / Self.millisecond }
    }

    @Test("each frame is matched with its own append, the first of an utterance with its first delta")
    func plain() {
        var wire = Wire(1)
        wire.greets()
        wire.frame(400)
        wire.append(401)
        wire.frame(420)
        wire.append(427)
        wire.sound(900)
        wire.speaks(909)
        let added = added(wire)
        #expect(milliseconds(added.up) == [1, 7])
        #expect(milliseconds(added.down) == [1, 9])
        #expect(milliseconds(added.join) == [4])
        #expect(added.unpaired == 0)
    }

    @Test("sound that was held until the provider was ready does not shift the frames after it")
    func held() {
        var wire = Wire(1)
        wire.greets()
        for at in stride(from: 400.0, to: 480, by: 20) { wire.frame(at) }
        wire.append(470, frames: 4)
        wire.frame(480)
        wire.append(481)
        wire.frame(500)
        wire.append(530)
        #expect(milliseconds(added(wire).up) == [1, 30])
    }

    @Test("a segment that is sent again is no other frame")
    func repeated() {
        var wire = Wire(1)
        wire.greets()
        wire.frame(400)
        wire.append(401)
        wire.frame(420)
        wire.lastAgain(426)
        wire.append(428)
        wire.frame(440)
        wire.append(442)
        #expect(milliseconds(added(wire).up) == [1, 8, 2])
    }

    @Test("silence that the daemon puts in belongs to no frame")
    func silence() {
        var wire = Wire(1)
        wire.greets()
        wire.frame(400)
        wire.append(401)
        for at in stride(from: 520.0, to: 600, by: 20) { wire.append(at) }
        wire.frame(620)
        wire.append(623)
        #expect(milliseconds(added(wire).up) == [1, 3])
    }

    @Test("two who are greeted at the same instant keep their own connections")
    func together() {
        var first = Wire(1)
        first.greets(joined: 0)
        var second = Wire(2)
        second.greets(joined: 0.4)
        first.frame(400)
        first.append(401)
        second.frame(410)
        second.append(412)
        #expect(Set(milliseconds(added(first, second).up)) == [1, 2])
    }

    @Test("the queue was not empty: a delta during an utterance begins none")
    func onward() {
        var wire = Wire(1)
        wire.greets()
        for at in stride(from: 310.0, to: 900, by: 20) { wire.speaks(at) }
        wire.sound(800)
        #expect(milliseconds(added(wire).down) == [1])
    }

    @Test("percentiles count only what began within the window")
    func window() {
        let samples = (1...100).map { AddedLatency.Sample(at: Int64($0), took: Int64($0) * Self.millisecond) }
        #expect(samples.milliseconds(0.99, within: 1..<101) == 99)
        #expect(samples.milliseconds(0.95, within: 1..<21) == 19)
        #expect(samples.milliseconds(0.5, within: 200..<300) == nil)
    }
}
