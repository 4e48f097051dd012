import COpus

/// One libopus decoder, mono (a stereo packet is mixed down), 16-bit. Owned by one holder; freed with it. No thread
/// safety: keep it on one thread. It will not reorder, wait or guess that a packet is missing.
@safe
package struct OpusDecoder: ~Copyable {
    private let handle: OpaquePointer
    package let rate: Int

    /// `rate`: 8,000, 12,000, 16,000, 24,000 or 48,000 Hz, else `OPUS_BAD_ARG`.
    package init(rate: Int) throws(OpusError) {
        var code: Int32 = 0
        guard let made = unsafe opus_decoder_create(Int32(clamping: rate), 1, &code) else {
            throw OpusError(code: code < 0 ? code : -7)
        }
        unsafe handle = unsafe made
        self.rate = rate
    }

    deinit { unsafe opus_decoder_destroy(handle) }

    /// Decodes one packet and answers the number of samples. `OPUS_INVALID_PACKET` leaves the state as it was;
    /// `OPUS_BUFFER_TOO_SMALL`: the packet is longer than `samples`.
    package mutating func decode(
        _ packet: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>
    ) throws(OpusError) -> Int {
        // No bytes would mean "lost" to libopus, not "empty".
        guard let bytes = packet.baseAddress, packet.count > 0 else { throw .OPUS_INVALID_PACKET }
        guard let room = samples.baseAddress else { throw .OPUS_BUFFER_TOO_SMALL }
        return try OpusError.check(
            unsafe opus_decode(
                handle, bytes.assumingMemoryBound(to: UInt8.self), Int32(clamping: packet.count), room,
                Int32(clamping: samples.count), 0))
    }

    /// Invents what a lost packet held: fills `samples`, a multiple of 2.5 ms up to 120 ms.
    package mutating func conceal(into samples: UnsafeMutableBufferPointer<Int16>) throws(OpusError) -> Int {
        guard let room = samples.baseAddress else { throw .OPUS_BAD_ARG }
        return try OpusError.check(unsafe opus_decode(handle, nil, 0, room, Int32(clamping: samples.count), 0))
    }

    /// OPUS_RESET_STATE: as if new.
    package mutating func reset() {
        unsafe _ = copus_decoder_reset(handle)
    }

    /// OPUS_GET_FINAL_RANGE: equal to the encoder's after the same packet, unless a byte was changed on the way.
    package var finalRange: UInt32 {
        var value: UInt32 = 0
        unsafe _ = copus_decoder_final_range(handle, &value)
        return value
    }

    /// Length of a packet in samples at `rate`, by libopus; for comparison with our own parser.
    package static func sampleCount(of packet: UnsafeRawBufferPointer, rate: Int) throws(OpusError) -> Int {
        guard let bytes = packet.baseAddress, packet.count > 0 else { throw .OPUS_INVALID_PACKET }
        return try OpusError.check(
            unsafe opus_packet_get_nb_samples(
                bytes.assumingMemoryBound(to: UInt8.self), Int32(clamping: packet.count), Int32(clamping: rate)))
    }

    /// Whether libopus accepts the framing of a packet.
    package static func isWellFramed(_ packet: UnsafeRawBufferPointer) -> Bool {
        guard let bytes = packet.baseAddress, packet.count > 0 else { return false }
        var sizes = [Int16](repeating: 0, count: 48)
        return unsafe opus_packet_parse(
            bytes.assumingMemoryBound(to: UInt8.self), Int32(clamping: packet.count), nil, nil, &sizes, nil) > 0
    }
}
