import InterviewCore
import WireFormats

/// A participant's binary frame.
///
/// Invariants: the same bytes give the same answer; the payload is all that follows the header; it keeps to the limits
/// of its format; the header written again is the header that came.
final class FrameTarget: FuzzTarget {
    let name = "frame"
    let share = 1_800
    let longestInput = 9_000
    let seeds: [[UInt8]] = [
        [1, 0, 0, 0, 0, 0, 0, 0xF8, 0xFF, 0xFE],
        [2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 960),
        [1, 1, 2, 3, 4, 5, 6] + [UInt8](repeating: 7, count: 8_000), [1, 0, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0, 0, 1],
    ]

    func generate(_ random: inout Random) -> [UInt8] {
        let kind: UInt8 = random.pick([1, 1, 2, 0, 3, 255], or: 1)
        let sizes = [0, 1, 3, 80, 479, 480, 481, 960, 2_880, 2_882, 8_000, 8_001]
        let size = random.chance(oneIn: 3) ? random.pick(sizes, or: 1) : random.length(upTo: 300)
        return [kind] + random.bytes(6 + size)
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        let decoded: (header: AudioFrameHeader, payload: UnsafeRawBufferPointer)
        do throws(ProtocolViolation) { decoded = try AudioFrame.decode(input) } catch {
            try expect(error == .badFrame, "a frame that is none is a bad frame")
            return .refused
        }
        let (header, payload) = decoded
        try expect(input.count <= AudioFrame.maxBytes, "a frame has at most 8,007 bytes")
        try expect(payload.count == input.count - AudioFrame.headerBytes, "the payload is what follows the header")
        try expect(AudioFrame.payloadBytes.contains(payload.count), "a payload has 1 to 8,000 bytes")
        if header.format == .pcm {
            try expect(AudioFrame.pcmPayloadBytes.contains(payload.count), "PCM has 10 to 60 ms")
            try expect(payload.count.isMultiple(of: 2), "PCM has whole samples")
        }
        var again = [UInt8](repeating: 0, count: AudioFrame.headerBytes)
        again.withUnsafeMutableBytes { AudioFrame.encodeHeader(header, into: $0) }
        try expect(again.elementsEqual(input.prefix(AudioFrame.headerBytes)), "written again it is what came")
        return .accepted
    }
}
