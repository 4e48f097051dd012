import ParticipantLoad
import Testing

@Suite("WaveFile")
struct WaveFileTests {
    static func wave(
        rate: UInt32, bits: UInt16, channels: UInt16, tag: UInt16 = 1, data: [UInt8], claimed: UInt32? = nil,
        extra: [UInt8] = []
    ) -> [UInt8] {
        func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }
        let bytesPerFrame = channels * bits / 8
        var format: [UInt8] = little(tag) + little(channels) + little(rate)
        format += little(rate * UInt32(bytesPerFrame)) + little(bytesPerFrame) + little(bits)
        let chunks =
            extra + Array("fmt ".utf8) + little(UInt32(format.count)) + format + Array("data".utf8)
            + little(claimed ?? UInt32(data.count)) + data
        return Array("RIFF".utf8) + little(UInt32(chunks.count + 4)) + Array("WAVE".utf8) + chunks
    }

    @Test("16-bit mono is read as it is")
    func sixteen() throws {
        let file = try WaveFile(
            bytes: Self.wave(rate: 8_000, bits: 16, channels: 1, data: LittleEndian.bytes([0, 16_384, -32_768])))
        #expect(file.rate == 8_000)
        #expect(file.samples == [0, 0.5, -1])
    }

    @Test("8-bit is unsigned, stereo is averaged")
    func eightStereo() throws {
        let file = try WaveFile(bytes: Self.wave(rate: 44_100, bits: 8, channels: 2, data: [128, 192, 0, 128]))
        #expect(file.samples == [0.25, -0.5])
    }

    @Test("chunks before the format, and a length beyond the end, are no obstacle")
    func oddities() throws {
        let list = Array("LIST".utf8) + [3, 0, 0, 0, 1, 2, 3, 0]
        let bytes = Self.wave(
            rate: 16_000, bits: 16, channels: 1, data: LittleEndian.bytes([5, 6]), claimed: .max, extra: list)
        #expect(try WaveFile(bytes: bytes).samples.count == 2)
    }

    @Test(
        "what it does not take is a typed fault",
        arguments: [
            (Array("OggS".utf8) + [UInt8](repeating: 0, count: 20), WaveFault.notRIFF),
            (wave(rate: 8_000, bits: 16, channels: 1, tag: 6, data: [0, 0]), .encoding),
            (wave(rate: 8_000, bits: 24, channels: 1, data: [0, 0, 0]), .bits),
            (wave(rate: 1_000, bits: 16, channels: 1, data: [0, 0]), .rate),
            (wave(rate: 8_000, bits: 16, channels: 6, data: [0, 0]), .channels),
            (wave(rate: 8_000, bits: 16, channels: 1, data: []), .noData),
            (Array(wave(rate: 8_000, bits: 16, channels: 1, data: [0, 0]).prefix(36)), .noData),
            (Array(wave(rate: 8_000, bits: 16, channels: 1, data: [0, 0]).prefix(30)), .noFormat),
        ])
    func faults(bytes: [UInt8], fault: WaveFault) {
        #expect(throws: fault) { try WaveFile(bytes: bytes) }
    }

    @Test("no prefix of a good file traps")
    func prefixes() {
        let good = Self.wave(rate: 8_000, bits: 16, channels: 2, data: [UInt8](repeating: 9, count: 40))
        for length in 0..<good.count { _ = try? WaveFile(bytes: Array(good.prefix(length))) }
    }
}
