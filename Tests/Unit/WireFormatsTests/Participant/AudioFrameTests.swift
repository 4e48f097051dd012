import InterviewCore
import Testing
import WireFormats

@Suite struct AudioFrameTests {
    private func decode(_ frame: [UInt8]) throws -> (AudioFrameHeader, [UInt8]) {
        try frame.withUnsafeBytes { bytes in
            let (header, payload) = try AudioFrame.decode(bytes)
            return (header, Array(payload))
        }
    }

    private func frame(_ header: AudioFrameHeader, _ payload: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: AudioFrame.headerBytes) + payload
        bytes.withUnsafeMutableBytes { AudioFrame.encodeHeader(header, into: $0) }
        return bytes
    }

    @Test("the header is seven bytes, big-endian")
    func layout() throws {
        let header = AudioFrameHeader(format: .opus, sequence: 0x0102, timestamp: 0x0304_0506)
        let bytes = frame(header, [9, 8])
        #expect(bytes == [1, 1, 2, 3, 4, 5, 6, 9, 8])
        let (read, payload) = try decode(bytes)
        #expect(read == header)
        #expect(payload == [9, 8])
    }

    @Test("the ends of both numbers pass", arguments: [AudioFormat.opus, .pcm])
    func ends(format: AudioFormat) throws {
        for (sequence, timestamp): (UInt16, UInt32) in [(0, 0), (.max, .max), (0x8000, 0x8000_0000)] {
            let header = AudioFrameHeader(format: format, sequence: sequence, timestamp: timestamp)
            #expect(try decode(frame(header, [UInt8](repeating: 1, count: 960))).0 == header)
        }
    }

    @Test("1 to 8,000 bytes of Opus, 480 to 2,880 of PCM and those even")
    func sizes() throws {
        let opus = AudioFrameHeader(format: .opus, sequence: 1, timestamp: 1)
        let pcm = AudioFrameHeader(format: .pcm, sequence: 1, timestamp: 1)
        for (header, count, isGood) in [
            (opus, 0, false), (opus, 1, true), (opus, 8_000, true), (opus, 8_001, false), (pcm, 478, false),
            (pcm, 480, true), (pcm, 481, false), (pcm, 960, true), (pcm, 2_880, true), (pcm, 2_882, false),
        ] {
            let bytes = frame(header, [UInt8](repeating: 0, count: count))
            if isGood {
                #expect(try decode(bytes).1.count == count)
            } else {
                #expect(throws: ProtocolViolation.badFrame, "\(header.format) \(count)") { try decode(bytes) }
            }
        }
    }

    @Test("unknown kinds and short frames are refused")
    func broken() {
        for kind: UInt8 in [0, 3, 4, 127, 255] {
            #expect(throws: ProtocolViolation.badFrame) { try decode([kind, 0, 0, 0, 0, 0, 0, 1]) }
        }
        for count in 0...7 {
            #expect(throws: ProtocolViolation.badFrame) { try decode([UInt8](repeating: 1, count: count)) }
        }
    }

    @Test("a header does not fit into six bytes, and nothing happens")
    func shortBuffer() {
        var bytes = [UInt8](repeating: 7, count: 6)
        bytes.withUnsafeMutableBytes {
            AudioFrame.encodeHeader(AudioFrameHeader(format: .opus, sequence: 1, timestamp: 1), into: $0)
        }
        #expect(bytes == [7, 7, 7, 7, 7, 7])
    }
}
