import ArgumentParser
import Foundation

@main
struct VoiceFuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voice-fuzz",
        abstract: "Random and mutated input for everything a peer can send; nothing may trap.",
        discussion: """
            Inputs are run by processes of their own, so that a trap is noticed and its input known: it is told as hex and \
            saved in Tests/Fuzz/Corpus, whose inputs come first in every run. Progress goes to standard error, the verdict \
            to standard output: one JSON object. Exit code 0 when ok. With SABOTAGE=1 one target traps on purpose: then it \
            must end non-zero.
            """)

    @Option(help: "Inputs of all targets together. Default: 10,000,000; without end when --seconds is given.")
    var inputs: Int?

    @Option(help: "Stop after so many seconds.")
    var seconds: Double?

    @Option(help: "The same seed makes the same inputs.")
    var seed: UInt64 = 1

    @Option(help: "Only this target; may be repeated.")
    var target: [String] = []

    @Option(help: "Processes that run inputs. Default: one for each core.")
    var workers: Int?

    @Option(help: "Go on after a failure until there are so many.")
    var mostFailures = 1

    @Option(help: "Run one saved input of --target in this very process.")
    var replay: String?

    @Option(help: "The checkout: its Tests/Golden and Tests/Fuzz/Corpus are where inputs begin.")
    var root = "."

    @Flag(help: "Name the targets and end.")
    var list = false

    @Option(help: .hidden) var worker: Int?
    @Option(help: .hidden) var hand: String?
    @Option(help: .hidden) var scratch: String?

    private static let defaultInputs = 10_000_000

    func validate() throws {
        if let inputs, inputs < 1 { throw ValidationError("--inputs is at least 1") }
        if let workers, !(1...64).contains(workers) { throw ValidationError("--workers is 1 to 64") }
        if mostFailures < 1 { throw ValidationError("--most-failures is at least 1") }
        if replay != nil, target.count != 1 { throw ValidationError("--replay needs one --target") }
    }

    func run() throws {
        let targets = try chosenTargets()
        if list {
            for target in targets { print(target.name) }
            return
        }
        if let replay { return try run(replay, targets[0]) }
        if let worker { throw ExitCode(try work(worker, targets)) }
        let verdict = try supervise(targets)
        print(verdict.line)
        if !verdict.ok { throw ExitCode.failure }
    }

    private var isSabotage: Bool { ProcessInfo.processInfo.environment["SABOTAGE"] == "1" }
    private var inputsWanted: Int? { inputs ?? (seconds == nil ? Self.defaultInputs : nil) }
    private var workerCount: Int { workers ?? min(max(ProcessInfo.processInfo.activeProcessorCount, 1), 64) }

    private func chosenTargets() throws -> [any FuzzTarget] {
        var all = try Targets.all(root: root, scratch: scratch)
        if isSabotage { all.append(SabotageTarget()) }
        if target.isEmpty { return all }
        for name in target where !all.contains(where: { $0.name == name }) {
            throw FuzzError.noTarget(name, known: all.map(\.name))
        }
        return all.filter { target.contains($0.name) || (isSabotage && $0 is SabotageTarget) }
    }

    private func supervise(_ targets: [any FuzzTarget]) throws -> Verdict {
        var options = ["--seed", String(seed), "--root", root, "--workers", String(workerCount)]
        if let inputsWanted { options += ["--inputs", String(inputsWanted)] }
        if let seconds { options += ["--seconds", String(seconds)] }
        for name in target { options += ["--target", name] }
        Progress.say("voice-fuzz: seed \(seed), \(targets.count) targets, \(workerCount) workers")
        let order = Supervisor.Order(
            program: Self.program, options: options, seed: seed, inputs: inputsWanted, workers: workerCount,
            mostFailures: mostFailures, root: root, isSabotage: isSabotage)
        return try Supervisor(order, targets: targets).run()
    }

    private func work(_ number: Int, _ targets: [any FuzzTarget]) throws -> Int32 {
        let hand = try HandFile(hand ?? "", making: false)
        let plan = FuzzPlan(targets, inputs: inputsWanted, workers: workerCount)
        return Worker(
            hand, targets: targets, root: root, seed: seed, plan: plan, number: number, seconds: seconds
        ).run()
    }

    private func run(_ path: String, _ target: any FuzzTarget) throws {
        guard let data = FileManager.default.contents(atPath: path) else { throw FuzzError.noFile(path) }
        let memory = try GuardedMemory(capacity: max(data.count, 1))
        do throws(Broken) {
            print("\(target.name): \(try target.take(memory.place([UInt8](data))))")
        } catch {
            print("\(target.name): \(error.what)")
            throw ExitCode.failure
        }
    }

    private static var program: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }
}
