import Foundation

/// What `ffprobe` and `opusinfo` say of a session's recording: programs that have nothing to do with voiced.
struct RecordingWitness {
    struct Part: Sendable {
        var name: String
        /// Seconds of each Opus stream, by each of the two programs.
        var ffprobe: [Double]
        var opusinfo: [Double]
        var complaints: [String]
    }

    let parts: [Part]

    /// - Parameter epoch: of one owner alone; its number leads the name of each part.
    init(folder: String, epoch: Int? = nil) async throws { try await self.init(folders: [folder], epoch: epoch) }

    /// A session that has been in several processes has parts in several folders.
    init(folders: [String], epoch: Int? = nil) async throws {
        let paths = folders.flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
                .filter { name in
                    name.hasSuffix(".ogg") && (epoch.map { Int(name.prefix { $0 != "-" }) == $0 } ?? true)
                }
                .sorted().map { (path: "\(folder)/\($0)", name: $0) }
        }
        var found: [Part] = []
        for (path, name) in paths {
            let probed = try await Self.run(
                "ffprobe",
                ["-v", "error", "-show_entries", "stream=codec_name,duration", "-of", "csv=p=0", path])
            let info = try await Self.run("opusinfo", [path])
            found.append(
                Part(
                    name: name, ffprobe: Self.ffprobeLengths(probed), opusinfo: Self.opusinfoLengths(info),
                    complaints: (probed + info).filter { $0.contains("WARNING") || $0.contains("rror") }))
        }
        parts = found
    }

    /// Seconds of each track over all parts; empty when a part has not two of them.
    func lengths(_ program: KeyPath<Part, [Double]>) -> [Double] {
        guard !parts.isEmpty, parts.allSatisfy({ $0[keyPath: program].count == 2 }) else { return [] }
        return (0..<2).map { track in parts.reduce(0) { $0 + $1[keyPath: program][track] } }
    }

    /// `opus,12.345000`
    private static func ffprobeLengths(_ lines: [String]) -> [Double] {
        lines.filter { $0.hasPrefix("opus,") }.compactMap { Double($0.dropFirst(5)) }
    }

    /// `	Playback length: 0m:12.345s`
    private static func opusinfoLengths(_ lines: [String]) -> [Double] {
        lines.compactMap { line in
            guard let range = line.range(of: "Playback length: ") else { return nil }
            let parts = line[range.upperBound...].dropLast().split(separator: ":")
            guard parts.count == 2, let minutes = Double(parts[0].dropLast()), let seconds = Double(parts[1]) else {
                return nil
            }
            return minutes * 60 + seconds
        }
    }

    private static func run(_ program: String, _ arguments: [String]) async throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        if process.terminationStatus == 127 { throw DrillError.missing("\(program) (ffmpeg, opus-tools)") }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
