import COpus

/// What an encoder is to do.
package struct OpusEncoderSettings: Sendable, Hashable {
    package enum Application: String, Sendable, Hashable, CaseIterable {
        /// OPUS_APPLICATION_RESTRICTED_LOWDELAY: CELT alone, a third of the cost, 4 ms less delay.
        case restrictedLowDelay = "restricted_lowdelay"
        /// OPUS_APPLICATION_VOIP: SILK, hybrid or CELT, tuned for speech.
        case voip
        /// OPUS_APPLICATION_AUDIO.
        case audio
    }

    package var application: Application
    /// 0 to 10.
    package var complexity: Int
    /// Bits a second, 6,000 to 510,000.
    package var bitrate: Int
    /// Variable bit rate; false: every packet has the same size.
    package var variableBitrate: Bool
    /// OPUS_SET_DTX: in silence most packets shrink to the bare TOC.
    package var discontinuous: Bool

    package init(
        application: Application = .restrictedLowDelay, complexity: Int = 5, bitrate: Int = 48_000,
        variableBitrate: Bool = true, discontinuous: Bool = false
    ) {
        self.application = application
        self.complexity = complexity
        self.bitrate = bitrate
        self.variableBitrate = variableBitrate
        self.discontinuous = discontinuous
    }
}

/// One libopus encoder, mono, 16-bit. Owned by one holder; freed with it. No thread safety: keep it on one thread.
/// It will not resample, mix or buffer: frames come in legal lengths at the rate it was made for.
@safe
package struct OpusEncoder: ~Copyable {
    /// RFC 6716: the largest frame with its TOC byte.
    package static let longestPacket = 1_276

    private let handle: OpaquePointer
    package let rate: Int

    /// `rate`: 8,000, 12,000, 16,000, 24,000 or 48,000 Hz, else `OPUS_BAD_ARG`; so do settings outside their ranges.
    package init(rate: Int, settings: OpusEncoderSettings = OpusEncoderSettings()) throws(OpusError) {
        let application =
            switch settings.application {
            case .restrictedLowDelay: OPUS_APPLICATION_RESTRICTED_LOWDELAY
            case .voip: OPUS_APPLICATION_VOIP
            case .audio: OPUS_APPLICATION_AUDIO
            }
        var code: Int32 = 0
        guard let made = unsafe opus_encoder_create(Int32(clamping: rate), 1, application, &code) else {
            throw OpusError(code: code < 0 ? code : -7)
        }
        do throws(OpusError) {
            try unsafe Self.configure(made, settings)
        } catch {
            unsafe opus_encoder_destroy(made)
            throw error
        }
        unsafe handle = unsafe made
        self.rate = rate
    }

    deinit { unsafe opus_encoder_destroy(handle) }

    private static func configure(_ handle: OpaquePointer, _ settings: OpusEncoderSettings) throws(OpusError) {
        // Negative bit rates have meanings of their own (OPUS_AUTO, OPUS_BITRATE_MAX), which are not offered here.
        guard settings.bitrate > 0 else { throw .OPUS_BAD_ARG }
        let requests: [(Int32, Int)] = [
            (OPUS_SET_COMPLEXITY_REQUEST, settings.complexity),
            (OPUS_SET_BITRATE_REQUEST, settings.bitrate),
            (OPUS_SET_VBR_REQUEST, settings.variableBitrate ? 1 : 0),
            (OPUS_SET_DTX_REQUEST, settings.discontinuous ? 1 : 0),
        ]
        for (request, value) in requests {
            try OpusError.check(unsafe copus_encoder_set(handle, request, Int32(clamping: value)))
        }
    }

    /// Encodes one frame of 2.5, 5, 10, 20, 40 or 60 ms; answers the packet's length in bytes.
    package mutating func encode(
        _ frame: UnsafeBufferPointer<Int16>, into packet: UnsafeMutableRawBufferPointer
    ) throws(OpusError) -> Int {
        guard let samples = frame.baseAddress, let room = packet.baseAddress else { throw .OPUS_BAD_ARG }
        let bytes = unsafe room.assumingMemoryBound(to: UInt8.self)
        return try OpusError.check(
            unsafe opus_encode(handle, samples, Int32(clamping: frame.count), bytes, Int32(clamping: packet.count)))
    }

    /// OPUS_RESET_STATE: as if new, settings kept.
    package mutating func reset() {
        unsafe _ = copus_encoder_reset(handle)
    }

    /// OPUS_GET_LOOKAHEAD in 48 kHz units: by how much the decoded sound is late; a recording's pre-skip.
    package var lookahead: Int {
        var value: Int32 = 0
        guard unsafe copus_encoder_get(handle, OPUS_GET_LOOKAHEAD_REQUEST, &value) == OPUS_OK else { return 312 }
        return Int(value) * 48_000 / max(rate, 1)
    }

    /// OPUS_GET_FINAL_RANGE: equal to the decoder's after the same packet.
    package var finalRange: UInt32 {
        var value: UInt32 = 0
        unsafe _ = copus_encoder_final_range(handle, &value)
        return value
    }
}
