import ArgumentParser
import Foundation

@main
struct VoiceBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voice-bench",
        abstract: "Speed and memory of voiced, as ratios against a floor that is measured in the same run.",
        discussion: """
            The same conversations go first through a minimal gateway, then through voiced: same bindings, same encoder, \
            same simulator, same participants. Progress goes to standard error, one JSON object to standard output. No \
            figure fails the run; on a machine that is busy with something else the object says "void".
            """,
        subcommands: [Bench.self, EncoderBench.self, Floor.self], defaultSubcommand: Bench.self)
}

/// Lines for people, on standard error.
enum Progress {
    static func say(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8)) }
}

/// Why there is nothing to report.
enum BenchError: Error, CustomStringConvertible {
    case missing(String)
    case notReady(String)
    case ended(String)
    case notJoined(live: Int, of: Int)
    case unreadable(String)
    case failed(String)

    var description: String {
        switch self {
        case .missing(let what): "missing: \(what)"
        case .notReady(let what): "did not become ready: \(what)"
        case .ended(let what): "ended while it was measured: \(what)"
        case .notJoined(let live, let all): "only \(live) of \(all) participants were talking when the window began"
        case .unreadable(let what): "cannot be read: \(what)"
        case .failed(let what): what
        }
    }
}
