import Foundation
import InterviewCore
import Opus
import OpusCodecs
import Ports
import Testing

@Suite("Opus")
struct OpusTests {
    @Test(
        "speech survives encoding and decoding at every rate and in every mode",
        arguments: [8_000, 12_000, 16_000, 24_000, 48_000], OpusEncoderSettings.Application.allCases)
    func roundTrip(rate: Int, application: OpusEncoderSettings.Application) throws {
        let sound = voice(seconds: 2, rate: rate)
        var settings = OpusEncoderSettings(application: application, bitrate: 64_000)
        settings.complexity = 5
        var encoder = try OpusEncoder(rate: rate, settings: settings)
        var decoder = try OpusDecoder(rate: rate)
        var heard: [Int16] = []
        for start in stride(from: 0, to: sound.count, by: rate / 50) {
            let packet = try encode(Array(sound[start..<start + rate / 50]), with: &encoder)
            #expect(OpusPacket(packet)?.units == 960)
            heard += try decode(packet, with: &decoder)
            #expect(encoder.finalRange == decoder.finalRange)
        }
        #expect(heard.count == sound.count)
        // SILK keeps what is heard, not the wave: only the other modes can be compared sample by sample.
        let delay = encoder.lookahead * rate / 48_000
        let quality = decibels(heard[delay...], against: sound[..<(sound.count - delay)])
        #expect(quality > (application == .voip ? -10 : 10))
    }

    @Test("the look-ahead is 2.5 ms for the restricted mode, 6.5 ms else, at any rate", arguments: [24_000, 48_000])
    func lookahead(rate: Int) throws {
        func lookahead(_ application: OpusEncoderSettings.Application) throws -> Int {
            let encoder = try OpusEncoder(rate: rate, settings: OpusEncoderSettings(application: application))
            return encoder.lookahead
        }
        #expect(try lookahead(.restrictedLowDelay) == 120)
        #expect(try lookahead(.voip) == 312)
        #expect(try lookahead(.audio) == 312)
    }

    @Test("after a reset the same sound gives the same packets")
    func reset() throws {
        let sound = voice(seconds: 0.5, rate: 24_000)
        var encoder = try OpusEncoder(rate: 24_000)
        func all(_ encoder: inout OpusEncoder) throws -> [[UInt8]] {
            var packets: [[UInt8]] = []
            for start in stride(from: 0, to: sound.count, by: 480) {
                packets.append(try encode(Array(sound[start..<start + 480]), with: &encoder))
            }
            return packets
        }
        let first = try all(&encoder)
        let carriedOn = try all(&encoder)
        encoder.reset()
        let again = try all(&encoder)
        #expect(first == again)
        #expect(first != carriedOn)

        var decoder = try OpusDecoder(rate: 24_000)
        let heard = try decode(first[3], with: &decoder)
        _ = try decode(first[4], with: &decoder)
        decoder.reset()
        #expect(try decode(first[3], with: &decoder) == heard)
    }

    @Test("settings and rates outside the library's ranges are refused by its own code")
    func refusals() throws {
        #expect(throws: OpusError.OPUS_BAD_ARG) { _ = try OpusEncoder(rate: 44_100) }
        #expect(throws: OpusError.OPUS_BAD_ARG) { _ = try OpusDecoder(rate: 0) }
        #expect(throws: OpusError.OPUS_BAD_ARG) {
            _ = try OpusEncoder(rate: 24_000, settings: OpusEncoderSettings(complexity: 11))
        }
        #expect(throws: OpusError.OPUS_BAD_ARG) {
            _ = try OpusEncoder(rate: 24_000, settings: OpusEncoderSettings(bitrate: -1))
        }
        var encoder = try OpusEncoder(rate: 24_000)
        #expect(throws: OpusError.OPUS_BAD_ARG) { _ = try encode([Int16](repeating: 0, count: 479), with: &encoder) }
        var decoder = try OpusDecoder(rate: 24_000)
        #expect(throws: OpusError.OPUS_INVALID_PACKET) { _ = try decode([UInt8](), with: &decoder) }
        #expect(throws: OpusError.OPUS_INVALID_PACKET) { _ = try decode([0xFB], with: &decoder) }
    }

    @Test("a refused packet leaves the decoder as it was")
    func unharmed() throws {
        let sent = try packets(voice(seconds: 1, rate: 24_000), rate: 24_000)
        var decoder = try OpusDecoder(rate: 24_000)
        var heard: [Int16] = []
        for packet in sent {
            #expect(throws: OpusError.OPUS_INVALID_PACKET) { _ = try decode([0xFF, 0x00, 1, 2], with: &decoder) }
            heard += try decode(packet, with: &decoder)
        }
        #expect(try heard == decode(sent, rate: 24_000))
    }

    @Test("a packet longer than the buffer is refused, one of 60 ms fits")
    func bufferLength() throws {
        let long = try packets(voice(seconds: 0.06, rate: 48_000), rate: 48_000, milliseconds: 60)
        var decoder = try OpusDecoder(rate: 24_000)
        var samples = [Int16](repeating: 0, count: 1_440)
        let count = try long[0].withUnsafeBytes { packet in
            try samples.withUnsafeMutableBufferPointer { samples in try decoder.decode(packet, into: samples) }
        }
        #expect(count == 1_440)
        #expect(throws: OpusError.OPUS_BUFFER_TOO_SMALL) {
            try long[0].withUnsafeBytes { packet in
                try samples.withUnsafeMutableBufferPointer { samples in
                    _ = try decoder.decode(packet, into: UnsafeMutableBufferPointer(rebasing: samples[..<1_439]))
                }
            }
        }
    }

    @Test("concealment makes as many samples as asked, in steps of 2.5 ms", arguments: [60, 480, 1_440, 2_400])
    func conceals(count: Int) throws {
        let sent = try packets(voice(seconds: 0.4, rate: 24_000), rate: 24_000)
        var decoder = try OpusDecoder(rate: 24_000)
        for packet in sent { _ = try decode(packet, with: &decoder) }
        var samples = [Int16](repeating: 0, count: count)
        #expect(try samples.withUnsafeMutableBufferPointer { try decoder.conceal(into: $0) } == count)
        #expect(throws: OpusError.self) {
            var odd = [Int16](repeating: 0, count: 481)
            try odd.withUnsafeMutableBufferPointer { _ = try decoder.conceal(into: $0) }
        }
    }

    @Test("our silence packets decode to digital silence of their length")
    func silence() throws {
        for (units, packet) in OpusPacket.shorterSilences + [(960, OpusPacket.silence)] {
            for rate in [16_000, 24_000, 48_000] {
                var decoder = try OpusDecoder(rate: rate)
                let samples = try decode(packet, with: &decoder)
                #expect(samples.count == units * rate / 48_000)
                #expect(samples.allSatisfy { $0 == 0 })
            }
        }
    }

    @Test("our parser and libopus agree on 300,000 random packets")
    func parser() throws {
        var generator = SystemRandomNumberGenerator()
        var legal = 0
        for round in 0..<300_000 {
            let count = round % 7 == 0 ? Int.random(in: 0...3_000) : Int.random(in: 0...12)
            var packet = [UInt8](repeating: 0, count: count)
            for index in 0..<min(count, 12) { packet[index] = .random(in: 0...255, using: &generator) }
            if round % 3 == 0, count > 0 { packet[0] |= 3 }
            if round % 2 == 0, count > 1 { packet[1] &= 0xC7 }
            let ours = OpusPacket(packet)?.units
            let theirs: Int? = packet.withUnsafeBytes { bytes in
                guard OpusDecoder.isWellFramed(bytes) else { return nil }
                return try? OpusDecoder.sampleCount(of: bytes, rate: 48_000)
            }
            if ours != theirs {
                Issue.record("\(packet.prefix(14)) of \(count) bytes: \(ours as Any), \(theirs as Any)")
            }
            if ours != nil { legal += 1 }
        }
        #expect((20_000...280_000).contains(legal))
    }

    @Test("random packets never harm the decoder's process")
    func randomDecoding() throws {
        let decoder = try OpusAudioCodecs().makeDecoder(rate: 24_000)
        var samples = [Int16](repeating: 0, count: 5_760)
        func length(of packet: [UInt8]) -> Int? {
            packet.withUnsafeBytes { packet in
                samples.withUnsafeMutableBufferPointer { try? decoder.decode(packet, into: $0) }
            }
        }
        var random = SystemRandomNumberGenerator()
        var packet: [UInt8] = []
        for _ in 0..<20_000 {
            packet.removeAll(keepingCapacity: true)
            for _ in 0..<Int.random(in: 1...200, using: &random) { packet.append(random.next()) }
            _ = length(of: packet)
        }
        let sent = try packets(voice(seconds: 0.1, rate: 24_000), rate: 24_000)
        #expect(length(of: sent[0]) == 480)
    }
}

@Suite("OpusAudioCodecs")
struct OpusAudioCodecsTests {
    @Test("the port gives codecs of any rate that Opus has, and says which it has not")
    func rates() throws {
        let codecs = OpusAudioCodecs()
        for rate in [8_000, 12_000, 16_000, 24_000, 48_000] {
            let encoder = try codecs.makeEncoder(rate: rate)
            let decoder = try codecs.makeDecoder(rate: rate)
            var packet = [UInt8](repeating: 0, count: 4_000)
            let frame = voice(seconds: 0.02, rate: rate)
            let bytes = try frame.withUnsafeBufferPointer { frame in
                try packet.withUnsafeMutableBytes { try encoder.encode(frame, into: $0) }
            }
            #expect((1...1_276).contains(bytes))
            var samples = [Int16](repeating: 0, count: rate / 50)
            let count = try packet.withUnsafeBytes { packet in
                try samples.withUnsafeMutableBufferPointer { samples in
                    try decoder.decode(UnsafeRawBufferPointer(rebasing: packet[..<bytes]), into: samples)
                }
            }
            #expect(count == rate / 50)
            #expect(try samples.withUnsafeMutableBufferPointer { try decoder.conceal(into: $0) } == rate / 50)
        }
        #expect(throws: CodecError.unsupportedRate(44_100)) { _ = try codecs.makeDecoder(rate: 44_100) }
        #expect(throws: CodecError.unsupportedRate(44_100)) { _ = try codecs.makeEncoder(rate: 44_100) }
    }

    @Test("refusals carry the library's code")
    func refused() throws {
        let codecs = OpusAudioCodecs()
        let decoder = try codecs.makeDecoder(rate: 24_000)
        var samples = [Int16](repeating: 0, count: 480)
        #expect(throws: CodecError.refused("OPUS_INVALID_PACKET")) {
            try [UInt8(0xFB)].withUnsafeBytes { packet in
                try samples.withUnsafeMutableBufferPointer { _ = try decoder.decode(packet, into: $0) }
            }
        }
        let encoder = try codecs.makeEncoder(rate: 24_000)
        #expect(throws: CodecError.refused("OPUS_BAD_ARG")) {
            var packet = [UInt8](repeating: 0, count: 100)
            try samples.prefix(240).withContiguousStorageIfAvailable { frame in
                try packet.withUnsafeMutableBytes { _ = try encoder.encode(frame, into: $0) }
            }
        }
        #expect(throws: CodecError.refused("OPUS_BAD_ARG")) {
            _ = try OpusAudioCodecs(settings: OpusEncoderSettings(complexity: 99)).makeEncoder(rate: 24_000)
        }
        #expect(try codecs.lookahead(rate: 24_000) == 120)
    }
}
