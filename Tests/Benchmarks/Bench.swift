import ArgumentParser
import Foundation
import InterviewCore
import ParticipantLoad

/// Both halves, one after the other, and the object at the end.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measures the floor, then voiced.")

    @Option(help: "Conversations at a time. Default 60, with --small 20.")
    var sessions: Int?

    @Option(help: "Length of the steady window in seconds. Default 60, with --small 20.")
    var seconds: Int?

    @Flag(help: "A quick look: 20 conversations for 20 seconds.")
    var small = false

    @Option(help: "Folder of voiced, voice-web and voice-sim. Default: where this program lies.")
    var binaries: String?

    @Option(help: "Folder with prices.yaml.")
    var manifests = "Manifests"

    @Flag(help: "Leave the processes' files and say where.")
    var keep = false

    func validate() throws {
        guard (1...2_000).contains(sessions ?? 60) else { throw ValidationError("--sessions is 1 to 2,000.") }
        guard (5...3_600).contains(seconds ?? 60) else { throw ValidationError("--seconds is 5 to 3,600.") }
    }

    func run() async throws {
        let signals = ChildProcess.killOnSignals()
        defer { for signal in signals { signal.cancel() } }
        let cores = Cores()
        try cores.moveSelf()
        let recordings = VoiceLibrary.installed()
        guard !recordings.isEmpty else { throw BenchError.missing("asterisk-core-sounds-en-wav or alsa-utils") }
        let voice = try PreparedVoice(VoiceLibrary.load(recordings), format: .opus)
        let folder = NSTemporaryDirectory() + "voice-bench-\(UUID().uuidString.prefix(8))"
        defer { if !keep { try? FileManager.default.removeItem(atPath: folder) } }
        let floor = try await stage(.floor, cores, folder).run(voice)
        Progress.say(Self.line("floor", floor.window))
        let voiced = try await stage(.voiced, cores, folder).run(voice)
        Progress.say(Self.line("voiced", voiced.window))
        if keep { Progress.say("kept: \(folder)") }
        let report = BenchReport(floor: floor, voiced: voiced, cores: cores)
        print(try report.line())
    }

    private func stage(_ subject: Stage.Subject, _ cores: Cores, _ folder: String) throws -> Stage {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folderOfPrograms =
            binaries ?? own.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path } ?? "."
        let programs = URL(fileURLWithPath: folderOfPrograms).path
        for name in ["voiced", "voice-web", "voice-sim", "voice-bench"]
        where !FileManager.default.isExecutableFile(atPath: "\(programs)/\(name)") {
            throw BenchError.missing("\(programs)/\(name)")
        }
        let prices = URL(fileURLWithPath: manifests).appendingPathComponent("prices.yaml").path
        guard FileManager.default.fileExists(atPath: prices) else { throw BenchError.missing(prices) }
        let count = sessions ?? (small ? 20 : 60)
        let length = seconds ?? (small ? 20 : 60)
        Progress.say("\(subject.rawValue): \(count) conversations, a window of \(length) s")
        return Stage(
            subject: subject, sessions: count, seconds: length, binaries: programs, prices: prices, cores: cores,
            folder: "\(folder)/\(subject.rawValue)")
    }

    private static func line(_ name: String, _ window: Window) -> String {
        let cost = (window.millisecondsPerSessionSecond * 100).rounded() / 100
        let share = Int((window.agentShare * 100).rounded())
        return "\(name): \(cost) ms of CPU per session and second, agent \(share) % of the time"
    }
}
