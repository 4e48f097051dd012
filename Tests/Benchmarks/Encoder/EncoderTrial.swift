import Foundation
import Opus

/// One way to encode the agent's voice.
struct EncoderMode: Hashable, Sendable {
    var application: OpusEncoderSettings.Application
    var complexity: Int
    var bitrate: Int

    var settings: OpusEncoderSettings {
        OpusEncoderSettings(application: application, complexity: complexity, bitrate: bitrate)
    }
    var name: String { "\(application.rawValue)-\(complexity)-\(bitrate)" }

    static let all: [EncoderMode] = OpusEncoderSettings.Application.allCases.flatMap { application in
        [0, 3, 5, 8].flatMap { complexity in
            [24_000, 32_000, 40_000, 48_000, 64_000].map {
                EncoderMode(application: application, complexity: complexity, bitrate: $0)
            }
        }
    }
}

/// What one mode made of one piece.
struct EncoderTrial {
    /// CPU of this thread for encoding, per frame of 20 ms: the least of three passes.
    var costPerFrame: Duration
    var bitsPerSecond: Double
    /// Decoded at 16 kHz, `delay` samples late.
    var decoded: [Int16]
    var delay: Int

    private static let passes = 3

    /// As the daemon does it: 24 kHz in, frames of 20 ms.
    init(_ piece: Recordings.Piece, _ mode: EncoderMode) throws {
        let frames = piece.at24k.count / 480
        var packets: [[UInt8]] = []
        var least: Duration = .seconds(3_600)
        var lookahead = 0
        for _ in 0..<Self.passes {
            var encoder = try OpusEncoder(rate: 24_000, settings: mode.settings)
            lookahead = encoder.lookahead
            packets.removeAll(keepingCapacity: true)
            var packet = [UInt8](repeating: 0, count: OpusEncoder.longestPacket)
            let begun = Self.threadTime
            try piece.at24k.withUnsafeBufferPointer { samples in
                for frame in 0..<frames {
                    let sound = UnsafeBufferPointer(rebasing: samples[(frame * 480)..<(frame * 480 + 480)])
                    let count = try packet.withUnsafeMutableBytes { try encoder.encode(sound, into: $0) }
                    packets.append(Array(packet[..<count]))
                }
            }
            least = min(least, Self.threadTime - begun)
        }
        costPerFrame = least / max(1, frames)
        bitsPerSecond = Double(packets.reduce(0) { $0 + $1.count } * 8) / (Double(frames) * 0.02)
        delay = lookahead / 3
        decoded = try Self.decode(packets)
    }

    private static func decode(_ packets: [[UInt8]]) throws -> [Int16] {
        var decoder = try OpusDecoder(rate: 16_000)
        var sound: [Int16] = []
        var room = [Int16](repeating: 0, count: 1_920)
        for packet in packets {
            let count = try packet.withUnsafeBytes { packet in
                try room.withUnsafeMutableBufferPointer { try decoder.decode(packet, into: $0) }
            }
            sound.append(contentsOf: room[..<count])
        }
        return sound
    }

    private static var threadTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
