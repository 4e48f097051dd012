/// What can be read from an Opus packet without decoding it (RFC 6716, section 3): its length in time, its mode, and
/// whether its framing is legal. Leaves the sound itself to libopus.
package struct OpusPacket: Hashable, Sendable {
    package enum Mode: Hashable, Sendable { case silk, hybrid, celt }

    package var mode: Mode
    package var stereo: Bool
    /// Length of one of its frames: 120 (2.5 ms) to 2,880 (60 ms) units.
    package var frameUnits: Int
    /// 1 to 48 (R5: at most 120 ms together).
    package var frameCount: Int

    /// Length of the packet in 48 kHz units: 120 to 5,760.
    package var units: Int { frameUnits * frameCount }

    /// R5: a packet is at most 120 ms long.
    package static let longestUnits = 5_760
    /// R2: no frame is longer than this many bytes.
    package static let longestFrameBytes = 1_275

    /// 20 ms of digital silence: TOC of one 20 ms mono full-band CELT frame, and a frame whose first bit, the silence
    /// flag, is set (RFC 6716, section 4.3).
    package static let silence: [UInt8] = [0xF8, 0xFF, 0xFE]
    /// The same in 10, 5 and 2.5 ms, longest first.
    package static let shorterSilences: [(units: Int, packet: [UInt8])] = [
        (480, [0xF0, 0xFF, 0xFE]), (240, [0xE8, 0xFF, 0xFE]), (120, [0xE0, 0xFF, 0xFE]),
    ]

    /// Nil when the framing breaks one of the requirements R1 to R7 of section 3.4; a decoder refuses such a packet.
    package init?(_ packet: UnsafeRawBufferPointer) {
        guard let toc = packet.first else { return nil }  // R1
        let configuration = Int(toc >> 3)
        (mode, frameUnits) = Self.table(configuration)
        stereo = toc & 0x04 != 0
        let body = UnsafeRawBufferPointer(rebasing: packet.dropFirst())
        guard let count = Self.frameCount(code: toc & 0x03, body: body, frameUnits: frameUnits) else { return nil }
        frameCount = count
    }

    package init?(_ packet: [UInt8]) {
        guard let parsed = packet.withUnsafeBytes({ OpusPacket($0) }) else { return nil }
        self = parsed
    }

    /// Section 3.1, table 2.
    private static func table(_ configuration: Int) -> (Mode, Int) {
        let size = configuration & 3
        return switch configuration {
        case 0..<12: (.silk, size == 0 ? 480 : size == 1 ? 960 : size == 2 ? 1_920 : 2_880)
        case 12..<16: (.hybrid, size & 1 == 0 ? 480 : 960)
        default: (.celt, 120 << size)
        }
    }

    private static func frameCount(code: UInt8, body: UnsafeRawBufferPointer, frameUnits: Int) -> Int? {
        switch code {
        case 0:
            return body.count <= longestFrameBytes ? 1 : nil
        case 1:  // R3: two frames of equal size
            return body.count % 2 == 0 && body.count / 2 <= longestFrameBytes ? 2 : nil
        case 2:  // R4: two frames, the first with its length
            guard let (length, used) = frameLength(body, at: 0) else { return nil }
            let second = body.count - used - length
            return second >= 0 && second <= longestFrameBytes ? 2 : nil
        default:
            return countOfCode3(body, frameUnits: frameUnits)
        }
    }

    /// Section 3.2.5: a count byte, padding, and frames of equal or of coded length (R5, R6, R7).
    private static func countOfCode3(_ body: UnsafeRawBufferPointer, frameUnits: Int) -> Int? {
        guard let header = body.first else { return nil }
        let count = Int(header & 0x3F)
        guard count > 0, count * frameUnits <= longestUnits else { return nil }
        var index = 1
        var padding = 0
        if header & 0x40 != 0 {
            while true {
                guard index < body.count else { return nil }
                let value = Int(body[index])
                index += 1
                padding += value == 255 ? 254 : value
                if value != 255 { break }
            }
        }
        var rest = body.count - index - padding
        guard rest >= 0 else { return nil }
        guard header & 0x80 != 0 else {  // CBR
            return rest % count == 0 && rest / count <= longestFrameBytes ? count : nil
        }
        for _ in 1..<max(count, 1) {
            guard let (length, used) = frameLength(body, at: index) else { return nil }
            index += used
            rest -= used + length
            guard rest >= 0 else { return nil }
        }
        return rest <= longestFrameBytes ? count : nil
    }

    /// Section 3.2.1: one byte up to 251, else two.
    private static func frameLength(_ bytes: UnsafeRawBufferPointer, at index: Int) -> (length: Int, used: Int)? {
        guard index < bytes.count else { return nil }
        let first = Int(bytes[index])
        guard first >= 252 else { return (first, 1) }
        guard index + 1 < bytes.count else { return nil }
        return (first + 4 * Int(bytes[index + 1]), 2)
    }
}
