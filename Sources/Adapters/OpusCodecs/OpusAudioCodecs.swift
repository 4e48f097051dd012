import Opus
import Ports

/// libopus behind the port `AudioCodecs`, with one set of encoder settings for the whole process.
///
/// The default, RESTRICTED_LOWDELAY at complexity 5 and 48 kbit/s, costs a third of VOIP at complexity 5 and has 4 ms
/// less delay; it lacks SILK's in-band error correction, which a TCP line never needs. Chosen by measurement:
/// `Runbooks/Develop/encoder.md`.
package struct OpusAudioCodecs: AudioCodecs {
    package var settings: OpusEncoderSettings

    package init(settings: OpusEncoderSettings = OpusEncoderSettings()) { self.settings = settings }

    package func makeDecoder(rate: Int) throws(CodecError) -> any AudioDecoder {
        try Self.check(rate)
        return try OpusAudioDecoder(rate: rate)
    }

    package func makeEncoder(rate: Int) throws(CodecError) -> any AudioEncoder {
        try Self.check(rate)
        return try OpusAudioEncoder(rate: rate, settings: settings)
    }

    /// By how much our encoder's sound is late, in 48 kHz units: the pre-skip of the agent's track in a recording.
    package func lookahead(rate: Int) throws(CodecError) -> Int {
        try OpusAudioEncoder(rate: rate, settings: settings).lookahead
    }

    private static func check(_ rate: Int) throws(CodecError) {
        guard [8_000, 12_000, 16_000, 24_000, 48_000].contains(rate) else { throw .unsupportedRate(rate) }
    }
}

package final class OpusAudioDecoder: AudioDecoder {
    private var decoder: OpusDecoder

    init(rate: Int) throws(CodecError) {
        do { decoder = try OpusDecoder(rate: rate) } catch { throw .refused(error.rawValue) }
    }

    package func decode(
        _ packet: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>
    ) throws(CodecError) -> Int {
        do { return try decoder.decode(packet, into: samples) } catch { throw .refused(error.rawValue) }
    }

    package func conceal(into samples: UnsafeMutableBufferPointer<Int16>) throws(CodecError) -> Int {
        do { return try decoder.conceal(into: samples) } catch { throw .refused(error.rawValue) }
    }
}

package final class OpusAudioEncoder: AudioEncoder {
    private var encoder: OpusEncoder

    init(rate: Int, settings: OpusEncoderSettings) throws(CodecError) {
        do { encoder = try OpusEncoder(rate: rate, settings: settings) } catch { throw .refused(error.rawValue) }
    }

    var lookahead: Int { encoder.lookahead }

    package func encode(
        _ frame: UnsafeBufferPointer<Int16>, into packet: UnsafeMutableRawBufferPointer
    ) throws(CodecError) -> Int {
        guard frame.count == encoder.rate / 50 else { throw .refused(OpusError.OPUS_BAD_ARG.rawValue) }
        let room = UnsafeMutableRawBufferPointer(rebasing: packet.prefix(OpusEncoder.longestPacket))
        do { return try encoder.encode(frame, into: room) } catch { throw .refused(error.rawValue) }
    }

    package func reset() { encoder.reset() }
}
