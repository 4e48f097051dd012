import Foundation
import InterviewCore
import Opus
import OpusCodecs
import Ports

/// Sound with the spectrum and rhythm of a voice: gliding harmonics, syllables, some breath. The same for the same seed.
func voice(seconds: Double, rate: Int, seed: UInt64 = 1) -> [Int16] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func noise() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(Int32(truncatingIfNeeded: state >> 32)) / Double(Int32.max)
    }
    var phase = 0.0
    return (0..<Int(seconds * Double(rate))).map { index in
        let time = Double(index) / Double(rate)
        let pitch = 120 + 40 * sin(time * 2.1 + Double(seed)) + 8 * sin(time * 13)
        phase += pitch / Double(rate)
        let syllable = max(0, sin(time * 2 * .pi * 3.3)) * (sin(time * 0.9) > -0.6 ? 1 : 0)
        var value = 0.0
        for harmonic in 1...12 {
            let frequency = pitch * Double(harmonic)
            let formant = exp(-pow((frequency - 600) / 500, 2)) + 0.4 * exp(-pow((frequency - 1_700) / 600, 2))
            value += sin(phase * 2 * .pi * Double(harmonic)) * formant
        }
        return Int16(max(-32_000, min(32_000, (value * 4_000 + noise() * 300) * syllable)))
    }
}

/// Opus packets of `samples` in frames of `milliseconds`.
func packets(
    _ samples: [Int16], rate: Int, milliseconds: Int = 20, settings: OpusEncoderSettings = OpusEncoderSettings()
) throws -> [[UInt8]] {
    var encoder = try OpusEncoder(rate: rate, settings: settings)
    let size = rate * milliseconds / 1_000
    var packets: [[UInt8]] = []
    for start in stride(from: 0, through: samples.count - size, by: size) {
        packets.append(try encode(Array(samples[start..<start + size]), with: &encoder))
    }
    return packets
}

func encode(_ frame: [Int16], with encoder: inout OpusEncoder) throws -> [UInt8] {
    var packet = [UInt8](repeating: 0, count: OpusEncoder.longestPacket)
    let count = try frame.withUnsafeBufferPointer { frame in
        try packet.withUnsafeMutableBytes { packet in try encoder.encode(frame, into: packet) }
    }
    return Array(packet[..<count])
}

func decode(_ packet: [UInt8], with decoder: inout OpusDecoder) throws -> [Int16] {
    var samples = [Int16](repeating: 0, count: 5_760)
    let count = try packet.withUnsafeBytes { packet in
        try samples.withUnsafeMutableBufferPointer { samples in try decoder.decode(packet, into: samples) }
    }
    return Array(samples[..<count])
}

/// All packets through one new decoder.
func decode(_ packets: [[UInt8]], rate: Int = 48_000) throws -> [Int16] {
    var decoder = try OpusDecoder(rate: rate)
    var samples: [Int16] = []
    for packet in packets { samples += try decode(packet, with: &decoder) }
    return samples
}

/// Signal to difference, in decibels; infinite for equal sound.
func decibels(_ sound: ArraySlice<Int16>, against reference: ArraySlice<Int16>) -> Double {
    var signal = 0.0
    var difference = 0.0
    for (one, other) in zip(sound, reference) {
        signal += Double(other) * Double(other)
        difference += (Double(one) - Double(other)) * (Double(one) - Double(other))
    }
    return difference == 0 ? .infinity : 10 * log10(signal / difference)
}

struct ToolError: Error { var status: Int32, text: String }

/// Runs a program and answers what it printed; standard error too when `all`.
func run(_ program: String, _ arguments: [String], all: Bool = false) throws -> Data {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = all ? output : FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        throw ToolError(status: process.terminationStatus, text: String(decoding: data, as: UTF8.self))
    }
    return data
}

/// A track as ffmpeg decodes it, 48 kHz mono.
func ffmpeg(_ path: String, track: Int, decoder: String) throws -> [Int16] {
    let data = try run(
        "ffmpeg",
        [
            "-v", "error", "-c:a", decoder, "-i", path, "-map", "0:a:\(track)", "-ac", "1", "-ar", "48000", "-f",
            "s16le",
            "-",
        ])
    return data.withUnsafeBytes { bytes in Array(bytes.bindMemory(to: Int16.self)) }
}

/// A folder of a test's own; the test removes it when its recorders have ended.
final class TemporaryFolder {
    let path: String
    init() throws {
        path = NSTemporaryDirectory() + "recording-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    func remove() { try? FileManager.default.removeItem(atPath: path) }

    func files(_ session: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path + "/" + session)) ?? []).sorted()
            .map { path + "/" + session + "/" + $0 }
    }
    func bytes(_ file: String) -> [UInt8] { [UInt8](FileManager.default.contents(atPath: file) ?? Data()) }
    func mode(_ path: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int
    }
}

extension Recorder {
    func participant(_ packet: [UInt8], at position: Int64) {
        packet.withUnsafeBytes { participant($0, at: position) }
    }
    func agent(_ packet: [UInt8], at position: Int64) { packet.withUnsafeBytes { agent($0, at: position) } }
}
