import InterviewCore

/// The binary frame of `voiced.v1`: one audio packet behind seven bytes.
///
/// ```
///  0      1      2      3      4      5      6      7 …
/// +------+------+------+------+------+------+------+---------
/// | kind |  sequence   |         timestamp         | payload
/// +------+------+------+------+------+------+------+---------
/// ```
///
/// Both numbers are big-endian.
package enum AudioFrame {
    package static let headerBytes = 7
    /// 10 to 60 ms, whatever the format.
    package static let payloadBytes = 1...8_000
    /// 24 kHz mono s16le: 10 to 60 ms.
    package static let pcmPayloadBytes = 480...2_880
    package static let maxBytes = headerBytes + 8_000

    /// `payload` is a part of `frame`. Whether an Opus payload decodes is the decoder's question.
    package static func decode(
        _ frame: UnsafeRawBufferPointer
    ) throws(ProtocolViolation) -> (header: AudioFrameHeader, payload: UnsafeRawBufferPointer) {
        guard frame.count > headerBytes, frame.count <= maxBytes, let format = AudioFormat(frameKind: frame[0]) else {
            throw .badFrame
        }
        let payload = UnsafeRawBufferPointer(rebasing: frame[headerBytes...])
        if format == .pcm {
            guard pcmPayloadBytes.contains(payload.count), payload.count.isMultiple(of: 2) else { throw .badFrame }
        }
        let sequence = (UInt16(frame[1]) << 8) | UInt16(frame[2])
        var timestamp: UInt32 = 0
        for index in 3..<headerBytes { timestamp = (timestamp << 8) | UInt32(frame[index]) }
        return (AudioFrameHeader(format: format, sequence: sequence, timestamp: timestamp), payload)
    }

    /// Writes the header to the first seven bytes of `frame`; does nothing in a shorter one.
    package static func encodeHeader(_ header: AudioFrameHeader, into frame: UnsafeMutableRawBufferPointer) {
        guard frame.count >= headerBytes else { return }
        frame[0] = header.format.frameKind
        frame[1] = UInt8(truncatingIfNeeded: header.sequence >> 8)
        frame[2] = UInt8(truncatingIfNeeded: header.sequence)
        for index in 0..<4 {
            frame[3 + index] = UInt8(truncatingIfNeeded: header.timestamp >> (24 - 8 * UInt32(index)))
        }
    }
}

extension AudioFormat {
    init?(frameKind: UInt8) {
        switch frameKind {
        case 1: self = .opus
        case 2: self = .pcm
        default: return nil
        }
    }

    var frameKind: UInt8 {
        switch self {
        case .opus: 1
        case .pcm: 2
        }
    }
}
