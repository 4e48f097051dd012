import ArgumentParser
import Foundation
import Opus
import ParticipantLoad

/// Which encoder mode the agent's voice should have: quality on recorded speech against cost.
struct EncoderBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encoder",
        abstract: "Compares encoder modes: cost, PESQ (ITU-T P.862.2) and spectral distortion by language.",
        discussion: "Prints a table in Markdown. `make bench-encoder` installs what it needs.")

    @Option(help: "Pieces of eight seconds of each language.")
    var pieces = 2

    @Option(help: "Only modes of this application: voip, audio or restricted_lowdelay. May be repeated.")
    var application: [String] = []

    @Option(help: "A Python with numpy and pesq.")
    var python = ".build/encoder/bin/python3"

    @Option(help: "The script that judges.")
    var script = "Tests/Benchmarks/Encoder/quality.py"

    func validate() throws {
        guard (1...50).contains(pieces) else { throw ValidationError("--pieces is 1 to 50.") }
        for name in application where OpusEncoderSettings.Application(rawValue: name) == nil {
            throw ValidationError("There is no application \(name).")
        }
    }

    func run() async throws {
        let folder = NSTemporaryDirectory() + "voice-encoder-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let recordings = try Recordings.load(pieces: pieces, folder: folder)
        for piece in recordings { try Self.write(piece.at16k, to: Self.path(folder, piece)) }
        var jobs: [[Any]] = []
        var rows: [Row] = []
        for mode in EncoderMode.all where application.isEmpty || application.contains(mode.application.rawValue) {
            var row = Row(mode: mode)
            for piece in recordings {
                let trial = try EncoderTrial(piece, mode)
                row.costs.append(trial.costPerFrame)
                row.bits.append(trial.bitsPerSecond)
                let path = "\(folder)/\(mode.name)-\(piece.language)-\(piece.number).s16"
                try Self.write(trial.decoded, to: path)
                jobs.append([Self.path(folder, piece), path, trial.delay])
            }
            rows.append(row)
            Progress.say("encoded: \(mode.name)")
        }
        Progress.say("judging \(jobs.count) pieces")
        try JSONSerialization.data(withJSONObject: jobs).write(to: URL(fileURLWithPath: "\(folder)/jobs.json"))
        let judged = try Tool.output(URL(fileURLWithPath: python).path, [script, "\(folder)/jobs.json"])
        guard let scores = try JSONSerialization.jsonObject(with: judged) as? [[Double]], scores.count == jobs.count
        else { throw BenchError.unreadable("the scores") }
        for (index, score) in scores.enumerated() {
            rows[index / recordings.count].scores.append((recordings[index % recordings.count].language, score))
        }
        print(Table(rows: rows, languages: recordings.map(\.language)).text)
    }

    private static func path(_ folder: String, _ piece: Recordings.Piece) -> String {
        "\(folder)/\(piece.language)-\(piece.number).s16"
    }

    private static func write(_ samples: [Int16], to path: String) throws {
        try samples.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: path)) }
    }

    /// One mode over all pieces.
    struct Row {
        var mode: EncoderMode
        var costs: [Duration] = []
        var bits: [Double] = []
        /// PESQ and distortion of each piece.
        var scores: [(language: String, values: [Double])] = []
    }

    private struct Table {
        var rows: [Row]
        var languages: [String]

        var text: String {
            let names = languages.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            let titles = ["application", "cx", "kbit/s", "µs a frame", "PESQ"] + names + ["worst", "dB"]
            let head =
                "| " + titles.joined(separator: " | ") + " |\n|" + titles.map { _ in "---" }.joined(separator: "|")
            return ([head + "|"] + rows.map { line($0, names) }).joined(separator: "\n")
        }

        private func line(_ row: Row, _ names: [String]) -> String {
            let cost = row.costs.map { $0 / .microseconds(1) }
            let pesq = row.scores.map { $0.values[0] }
            var cells = [
                row.mode.application.rawValue, "\(row.mode.complexity)", Self.short(Self.mean(row.bits) / 1_000, 1),
                Self.short(Self.mean(cost), 1), Self.short(Self.mean(pesq), 2),
            ]
            for name in names {
                cells.append(Self.short(Self.mean(row.scores.filter { $0.language == name }.map { $0.values[0] }), 2))
            }
            cells += [Self.short(pesq.min() ?? 0, 2), Self.short(Self.mean(row.scores.map { $0.values[1] }), 2)]
            return "| " + cells.joined(separator: " | ") + " |"
        }

        private static func mean(_ values: [Double]) -> Double {
            values.reduce(0, +) / Double(max(1, values.count))
        }
        private static func short(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }
    }
}
