import Testing
import WireFormats

@Suite struct ServerFramesTests {
    private static func frame(_ opcode: UInt8, _ count: Int, isFinal: Bool = true) -> [UInt8] {
        var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
        switch count {
        case ..<126: bytes.append(UInt8(count))
        case ..<65_536: bytes += [126, UInt8(count >> 8), UInt8(count & 255)]
        default: bytes += [127, 0, 0, 0, 0, 0, UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255)]
        }
        return bytes + [UInt8](repeating: 0x88, count: count)
    }

    private func pass(_ frames: inout ServerFrames, _ bytes: some Sequence<UInt8>) throws -> Int {
        try Array(bytes).withUnsafeBytes { try frames.passed($0) }
    }

    @Test("frames of every form of length end where they end, however they are cut")
    func boundaries() throws {
        let lengths = [0, 1, 125, 126, 300, 65_535, 65_536, 100_000]
        let stream = lengths.flatMap { Self.frame(2, $0) } + Self.frame(1, 4, isFinal: false) + Self.frame(9, 0)
        let ends = lengths.map { Self.frame(2, $0).count } + [6, 2]
        let boundaries = Set(ends.indices.map { ends[...$0].reduce(0, +) })
        for step in [1, 2, 3, 7, 1_000, 65_537, stream.count] {
            var frames = ServerFrames()
            var start = 0
            while start < stream.count {
                let end = min(start + step, stream.count)
                let last = try pass(&frames, stream[start..<end])
                let expected = boundaries.filter { $0 > start && $0 <= end }.max().map { $0 - start } ?? 0
                #expect(last == expected)
                #expect(frames.isAtBoundary == boundaries.contains(end))
                start = end
            }
            #expect(!frames.isClosed)
        }
    }

    @Test("a close frame counts when it is whole; nothing may follow it")
    func close() throws {
        var frames = ServerFrames()
        #expect(try pass(&frames, [0x88, 2, 3]) == 0)
        #expect(!frames.isClosed)
        #expect(try pass(&frames, [0xf4]) == 1)
        #expect(frames.isClosed)
        #expect(throws: ServerFrames.Fault.afterClose) { try pass(&frames, [0x82]) }
        #expect(ServerFrames.close(code: 1012) == [0x88, 2, 3, 0xf4])
    }

    @Test(
        "what no server sends is a fault",
        arguments: [
            ([0x82, 0x81], .masked), ([0xc2], .reserved), ([0x83], .reserved), ([0x8b], .reserved),
            ([0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 1], .tooLong), ([0x82, 127, 0xff, 0xff, 0xff, 0xff], .tooLong),
        ] as [([UInt8], ServerFrames.Fault)])
    func faults(_ bytes: [UInt8], _ fault: ServerFrames.Fault) {
        var frames = ServerFrames()
        #expect(throws: fault) { try pass(&frames, bytes) }
    }
}
