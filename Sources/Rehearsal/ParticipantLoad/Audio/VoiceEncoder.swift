import Opus

/// How a client encodes: by default as browsers do, on request as voiced does, for
/// comparisons.
package struct VoiceEncoderSettings: Sendable, Hashable {
    package enum Application: String, Sendable, Hashable {
        case voip
        case restrictedLowDelay = "restricted_lowdelay"
        case audio
    }
    package var application: Application
    package var complexity: Int
    package var bitsPerSecond: Int

    package init(application: Application = .voip, complexity: Int = 5, bitsPerSecond: Int = 32_000) {
        self.application = application
        self.complexity = complexity
        self.bitsPerSecond = bitsPerSecond
    }
}

/// Encodes and decodes whole recordings offline, mono, through a codec of its own each time.
package enum VoiceEncoder {
    /// Each frame is 20 ms of samples at `rate`.
    package static func encode(
        _ frames: [[Int16]], rate: Int, _ settings: VoiceEncoderSettings
    ) throws(ParticipantLoadError) -> [[UInt8]] {
        do throws(OpusError) {
            let application: OpusEncoderSettings.Application =
                switch settings.application {
                case .voip: .voip
                case .restrictedLowDelay: .restrictedLowDelay
                case .audio: .audio
                }
            var encoder = try OpusEncoder(
                rate: rate,
                settings: OpusEncoderSettings(
                    application: application, complexity: settings.complexity, bitrate: settings.bitsPerSecond))
            var packets: [[UInt8]] = []
            var room = [UInt8](repeating: 0, count: OpusEncoder.longestPacket)
            for frame in frames {
                let count = try encode(frame, with: &encoder, into: &room)
                packets.append(Array(room[..<count]))
            }
            return packets
        } catch {
            throw .codec(code: error.rawValue)
        }
    }

    /// One decoder over all packets; packets that do not decode are an error here.
    package static func decode(_ packets: [[UInt8]], rate: Int) throws(ParticipantLoadError) -> [Int16] {
        do throws(OpusError) {
            var decoder = try OpusDecoder(rate: rate)
            var samples: [Int16] = []
            var room = [Int16](repeating: 0, count: rate * 120 / 1_000)
            for packet in packets {
                let count = try decode(packet, with: &decoder, into: &room)
                samples.append(contentsOf: room[..<count])
            }
            return samples
        } catch {
            throw .codec(code: error.rawValue)
        }
    }

    private static func encode(
        _ frame: [Int16], with encoder: inout OpusEncoder, into room: inout [UInt8]
    ) throws(OpusError) -> Int {
        var outcome: Result<Int, OpusError> = .failure(.OPUS_INTERNAL_ERROR)
        frame.withUnsafeBufferPointer { samples in
            room.withUnsafeMutableBytes { bytes in
                do throws(OpusError) {
                    outcome = .success(try encoder.encode(samples, into: bytes))
                } catch {
                    outcome = .failure(error)
                }
            }
        }
        return try outcome.get()
    }

    private static func decode(
        _ packet: [UInt8], with decoder: inout OpusDecoder, into room: inout [Int16]
    ) throws(OpusError) -> Int {
        var outcome: Result<Int, OpusError> = .failure(.OPUS_INTERNAL_ERROR)
        packet.withUnsafeBytes { bytes in
            room.withUnsafeMutableBufferPointer { samples in
                do throws(OpusError) {
                    outcome = .success(try decoder.decode(bytes, into: samples))
                } catch {
                    outcome = .failure(error)
                }
            }
        }
        return try outcome.get()
    }
}
