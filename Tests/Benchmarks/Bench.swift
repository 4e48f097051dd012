import ArgumentParser
import Foundation
import InterviewCore
import ParticipantLoad

/// All parts, one after the other, and the object at the end.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measures the floor, then voiced.")

    enum Part: String, CaseIterable, ExpressibleByArgument {
        /// CPU of voiced against the floor's.
        case cost
        /// Memory during an answer of half a minute.
        case memory
        /// Added latency, and how many sessions one core carries.
        case core
    }

    @Option(help: "Conversations at a time, for cost and memory. Default 60, with --small 20.")
    var sessions: Int?

    @Option(help: "Length of the steady window in seconds. Default 40, with --small 20.")
    var seconds: Int?

    @Option(help: "Only this part: cost, memory or core. May be repeated.")
    var part: [Part] = []

    @Flag(help: "A quick look: 20 conversations for 20 seconds, and wide steps on the one core.")
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
        let stages = Stages(binaries: try programs(), prices: try prices(), cores: cores, folder: folder)
        var report = BenchReport(cores: cores)
        for part in part.isEmpty ? Part.allCases : part {
            try await measure(part, stages, voice, into: &report)
        }
        if keep { Progress.say("kept: \(folder)") }
        print(try report.line())
    }

    private func measure(
        _ part: Part, _ stages: Stages, _ voice: PreparedVoice, into report: inout BenchReport
    ) async throws {
        let count = sessions ?? (small ? 20 : 60)
        let length = seconds ?? (small ? 20 : 40)
        switch part {
        case .cost:
            Progress.say("cost: \(count) conversations, twice a window of \(length) s")
            let floor = try await Cost.measure(stages.stage(.floor, "floor", count), seconds: length, voice)
            Progress.say(Self.line("floor", floor.window))
            let voiced = try await Cost.measure(stages.stage(.voiced, "voiced", count), seconds: length, voice)
            Progress.say(Self.line("voiced", voiced.window))
            report.add(floor: floor, voiced: voiced)
        case .memory:
            Progress.say("memory: \(count) conversations, an answer of half a minute")
            var stage = stages.stage(.voiced, "memory", count)
            stage.speech = .monologue
            report.add(try await AnswerMemory.measure(stage, voice))
        case .core:
            let plan = small ? Staircase.Plan(first: 50, step: 50, seconds: 5) : .init(first: 75, step: 25, seconds: 8)
            Progress.say("one core: \(plan.first) conversations, then \(plan.step) more at each step")
            do {
                let stage = stages.stage(.voiced, "core", Staircase.most)
                report.add(try await Staircase.measure(stage, plan, voice))
            } catch BenchError.missing(let what) {
                Progress.say("one core: not measured: missing: \(what)")
            }
        }
    }

    private func programs() throws -> String {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = binaries ?? own.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path } ?? "."
        let programs = URL(fileURLWithPath: folder).path
        for name in ["voiced", "voice-web", "voice-sim", "voice-bench"]
        where !FileManager.default.isExecutableFile(atPath: "\(programs)/\(name)") {
            throw BenchError.missing("\(programs)/\(name)")
        }
        return programs
    }

    private func prices() throws -> String {
        let prices = URL(fileURLWithPath: manifests).appendingPathComponent("prices.yaml").path
        guard FileManager.default.fileExists(atPath: prices) else { throw BenchError.missing(prices) }
        return prices
    }

    private static func line(_ name: String, _ window: Window) -> String {
        let cost = (window.millisecondsPerSessionSecond * 100).rounded() / 100
        let share = Int((window.agentShare * 100).rounded())
        return "\(name): \(cost) ms of CPU per session and second, agent \(share) % of the time"
    }
}

/// What all stages of a run have in common.
private struct Stages {
    let binaries: String
    let prices: String
    let cores: Cores
    let folder: String

    func stage(_ subject: Stage.Subject, _ name: String, _ sessions: Int) -> Stage {
        Stage(
            subject: subject, sessions: sessions, binaries: binaries, prices: prices, cores: cores,
            folder: "\(folder)/\(name)")
    }
}
