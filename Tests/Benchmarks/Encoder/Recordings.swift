import Foundation
import ParticipantLoad

/// Wide-band recordings of people (Debian's `asterisk-core-sounds-*-g722`, 16 kHz), in pieces of eight seconds and more,
/// which is what PESQ is made for.
struct Recordings {
    struct Piece: Sendable {
        var language: String
        var number: Int
        /// As a provider gives it to us.
        var at24k: [Int16]
        /// What decoded sound is compared with.
        var at16k: [Int16]
    }

    private static let leastSeconds = 8.0
    /// Whole sentences; G.722 has 8,000 bytes a second.
    private static let promptBytes = 20_000...72_000
    private static let pause = 0.3

    /// `count` pieces of each language that is installed. Sound goes through ffmpeg once and through no codec of ours.
    static func load(pieces count: Int, folder: String) throws -> [Piece] {
        var pieces: [Piece] = []
        for (language, path) in VoiceLibrary.folders {
            let prompts = try prompts(path)
            guard !prompts.isEmpty else { continue }
            // From all over the alphabet: neighbours are variants of one sentence.
            let stride = max(1, prompts.count / (count * 4))
            var next = 0
            for number in 0..<count {
                var piece = Piece(language: language, number: number, at24k: [], at16k: [])
                while Double(piece.at16k.count) / 16_000 < leastSeconds {
                    let prompt = prompts[next * stride % prompts.count]
                    next += 1
                    piece.at24k += try decoded(prompt, rate: 24_000) + silence(24_000)
                    piece.at16k += try decoded(prompt, rate: 16_000) + silence(16_000)
                }
                pieces.append(piece)
            }
        }
        guard !pieces.isEmpty else { throw BenchError.missing("asterisk-core-sounds-en-g722 and its sisters") }
        return pieces
    }

    private static func silence(_ rate: Int) -> [Int16] { Array(repeating: 0, count: Int(Double(rate) * pause)) }

    private static func prompts(_ path: String) throws -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { return [] }
        return try names.filter { $0.hasSuffix(".g722") }.sorted().map { "\(path)/\($0)" }.filter { file in
            let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
            return promptBytes.contains(size)
        }
    }

    private static func decoded(_ path: String, rate: Int) throws -> [Int16] {
        let bytes = try Tool.output(
            "/usr/bin/ffmpeg",
            ["-v", "error", "-f", "g722", "-i", path, "-ar", "\(rate)", "-ac", "1", "-f", "s16le", "-"])
        return bytes.withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
    }
}

/// A program that is started and waited for.
enum Tool {
    static func output(_ program: String, _ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        do { try process.run() } catch { throw BenchError.missing(program) }
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchError.failed("\(program) failed") }
        return bytes
    }
}
