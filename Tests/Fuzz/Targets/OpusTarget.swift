import InterviewCore
import Opus

/// Opus packets as a participant may send them, into a decoder that goes on with whatever came before: packets, losses
/// to be concealed, and new beginnings, as `UplinkTimeline` orders them. Two bytes of length precede each packet.
///
/// Invariants:
/// - our parser and libopus agree about which packets are legal and how long they are;
/// - a legal packet decodes to exactly its length, an illegal one is `OPUS_INVALID_PACKET`, and neither reads or writes a
///   byte outside its buffers;
/// - concealment fills what it is asked to fill;
/// - the same sequence gives the same sound.
final class OpusTarget: FuzzTarget {
    let name = "opus"
    let share = 110
    let longestInput = 12_000
    let seeds: [[UInt8]]

    private static let rate = 24_000
    /// 120 ms: the longest packet.
    private static let mostSamples = 2_880
    private static let mostSteps = 24

    private var decoder: OpusDecoder
    private var twin: OpusDecoder
    private let packet: GuardedMemory
    private let sound: GuardedMemory

    init() throws {
        decoder = try OpusDecoder(rate: Self.rate)
        twin = try OpusDecoder(rate: Self.rate)
        packet = try GuardedMemory(capacity: 1 << 14)
        sound = try GuardedMemory(capacity: Self.mostSamples * 2)
        seeds = try OpusSeeds.programs()
    }

    func generate(_ random: inout Random) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<(1 + random.below(6)) {
            switch random.below(8) {
            case 0: bytes += [0xF0, random.byte()]
            case 1: bytes += [0xFF]
            default:
                // A legal table of contents far more often than chance would make one.
                let size = random.chance(oneIn: 10) ? random.length(upTo: 1_300) : random.below(120)
                var packet = random.bytes(size)
                if packet.count > 1, packet[0] & 3 == 3 {
                    packet[1] = UInt8(1 + random.below(8)) | UInt8(random.below(4)) << 6
                }
                bytes += [0, UInt8(size >> 8), UInt8(size & 0xFF)] + packet
            }
        }
        return bytes
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        decoder.reset()
        let isTwinned = input.count & 7 == 1
        if isTwinned { twin.reset() }
        var program = Program(input)
        var answer = Answer.refused
        var steps = 0
        while steps < Self.mostSteps, let instruction = program.instruction() {
            steps += 1
            switch instruction {
            case 0xF0: try conceal(program.byte(), isTwinned)
            case 0xFF:
                decoder.reset()
                if isTwinned { twin.reset() }
            default:
                let placed = packet.place(program.slice(Int(program.number16() & 0x1FFF)))
                if try decode(placed, isTwinned) { answer = .accepted }
            }
        }
        return answer
    }

    private var room: UnsafeMutableBufferPointer<Int16> { room(Self.mostSamples) }
    private func room(_ samples: Int) -> UnsafeMutableBufferPointer<Int16> {
        sound.last(samples * 2).bindMemory(to: Int16.self)
    }

    private func decode(_ bytes: UnsafeRawBufferPointer, _ isTwinned: Bool) throws(Broken) -> Bool {
        let parsed = OpusPacket(bytes)
        try expect((parsed != nil) == OpusDecoder.isWellFramed(bytes), "parser and libopus agree about what is legal")
        if let parsed {
            let length = try? OpusDecoder.sampleCount(of: bytes, rate: 48_000)
            try expect(length == parsed.units, "and about how long it is")
            try expect((120...OpusPacket.longestUnits).contains(parsed.units), "2.5 to 120 ms")
        }
        let count: Int
        do throws(OpusError) { count = try decoder.decode(bytes, into: room) } catch {
            try expect(error == .OPUS_INVALID_PACKET, "a packet that is none is an invalid packet, not \(error)")
            try expect(parsed == nil, "a legal packet decodes")
            return false
        }
        guard let parsed else { throw Broken("does not hold: an illegal packet is refused") }
        try expect(count == parsed.units / 2, "a packet decodes to its length")
        try compareTwin(isTwinned, count) { twin, room throws(OpusError) in try twin.decode(bytes, into: room) }
        return true
    }

    private func conceal(_ kind: Int, _ isTwinned: Bool) throws(Broken) {
        let lengths = [60, 120, 240, 480, 960, 1_440, 2_880, 180, 1_200, 2_820, 1, 59, 61, 2_879]
        let wanted = lengths[kind % lengths.count]
        let isWhole = wanted % 60 == 0
        let count: Int
        do throws(OpusError) { count = try decoder.conceal(into: room(wanted)) } catch {
            try expect(!isWhole && error == .OPUS_BAD_ARG, "whole multiples of 2.5 ms are concealed")
            return
        }
        try expect(isWhole && count == wanted, "concealment fills what it is asked to fill")
        try compareTwin(isTwinned, count) { twin, room throws(OpusError) in
            try twin.conceal(into: UnsafeMutableBufferPointer(rebasing: room[..<wanted]))
        }
    }

    private func compareTwin(
        _ isTwinned: Bool, _ count: Int,
        _ work: (inout OpusDecoder, UnsafeMutableBufferPointer<Int16>) throws(OpusError) -> Int
    ) throws(Broken) {
        guard isTwinned else { return }
        // The sound lies at the end of its room, or at its beginning when the room was larger.
        var again = [Int16](repeating: 0, count: Self.mostSamples)
        let same = again.withUnsafeMutableBufferPointer { again in (try? work(&twin, again)) == count }
        try expect(same && twin.finalRange == decoder.finalRange, "the same sequence gives the same sound")
    }
}

/// Real packets: every mode and length, speech-like sound, silence with DTX.
enum OpusSeeds {
    static func programs() throws -> [[UInt8]] {
        var programs: [[UInt8]] = []
        for application in OpusEncoderSettings.Application.allCases {
            for (bitrate, discontinuous) in [(8_000, true), (24_000, false), (64_000, false)] {
                for samples in [60, 240, 480, 960, 1_440] {
                    let settings = OpusEncoderSettings(
                        application: application, complexity: 1, bitrate: bitrate, discontinuous: discontinuous)
                    programs.append(try program(settings, samples: samples))
                }
            }
        }
        // Silence, framing of every code, and a lost packet.
        programs.append([0, 0, 3, 0xF8, 0xFF, 0xFE, 0xF0, 4, 0, 0, 3, 0xF8, 0xFF, 0xFE])
        programs.append([0, 0, 1, 0xF8, 0, 0, 3, 0xF9, 0, 0, 0, 0, 4, 0xFA, 1, 0, 0, 0, 0, 3, 0xFB, 0x43, 0, 0xFF])
        return programs
    }

    private static func program(_ settings: OpusEncoderSettings, samples: Int) throws -> [UInt8] {
        var encoder = try OpusEncoder(rate: 24_000, settings: settings)
        var packet = [UInt8](repeating: 0, count: OpusEncoder.longestPacket)
        var random = Random(seed: 7, target: "sound", index: UInt64(samples))
        var program: [UInt8] = []
        for number in 0..<6 {
            let loud = number < 4 ? 9_000 : 0
            let sound = (0..<samples).map { index in
                Int16(truncatingIfNeeded: (index % 97 - 48) * loud / 48 + random.below(401) - 200)
            }
            let length = try sound.withUnsafeBufferPointer { sound in
                try packet.withUnsafeMutableBytes { packet in try encoder.encode(sound, into: packet) }
            }
            program += [0, UInt8(length >> 8), UInt8(length & 0xFF)] + packet[..<length]
            if number == 2 { program += [0xF0, 4] }
        }
        return program
    }
}
