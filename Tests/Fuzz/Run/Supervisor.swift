import Foundation
import Glibc

/// Starts the workers, watches them, and tells what killed one.
final class Supervisor {
    private struct Child {
        let number: Int
        let hand: HandFile
        let handPath: String
        let errorPath: String
        var process: Process
        var seen = 0
        var seenAt: ContinuousClock.Instant = .now
        var isOver = false
    }

    private let order: Order
    private let targets: [any FuzzTarget]
    private let scratch: ScratchFolder
    private var children: [Child] = []
    private var failures: [Failure] = []
    /// Of invariants that were broken before.
    private var repeated = 0
    private let began = ContinuousClock.now
    private var saidAt = ContinuousClock.now

    /// The symbolised trace of a crash takes some seconds, in which a worker gets nowhere.
    private static let patience: Duration = .seconds(60)
    private static let mostRepeated = 20
    private static let progressEvery: Duration = .seconds(5)

    /// What was asked for on the command line.
    struct Order {
        var program: String
        /// The worker's options that are the same for all of them.
        var options: [String]
        var seed: UInt64
        var inputs: Int?
        var workers: Int
        var mostFailures: Int
        var root: String
        /// Nothing that sabotage finds is worth keeping.
        var isSabotage: Bool
    }

    init(_ order: Order, targets: [any FuzzTarget]) throws {
        self.order = order
        self.targets = targets
        scratch = try ScratchFolder()
        for number in 0..<order.workers {
            let path = "\(scratch.path)/hand-\(number)"
            let hand = try HandFile(path, making: true)
            let errors = "\(scratch.path)/errors-\(number)"
            children.append(
                Child(
                    number: number, hand: hand, handPath: path, errorPath: errors,
                    process: try start(number, hand: path, errors: errors)))
        }
    }

    private func start(_ number: Int, hand: String, errors: String) throws -> Process {
        try Data().write(to: URL(fileURLWithPath: errors))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: order.program)
        process.arguments = order.options + ["--worker", String(number), "--hand", hand, "--scratch", scratch.path]
        var environment = ProcessInfo.processInfo.environment
        // A trace of where it trapped, as far as this machine can make one.
        let trace = "enable=yes,threads=crashed,color=no,images=none,registers=none,interactive=no,limit=16,cache=no"
        environment["SWIFT_BACKTRACE"] = order.isSabotage ? "enable=no" : environment["SWIFT_BACKTRACE"] ?? trace
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: errors)
        try process.run()
        scratch.watch(process.processIdentifier, number: number)
        return process
    }

    func run() throws -> Verdict {
        defer { scratch.remove() }
        while children.contains(where: { !$0.isOver }) {
            usleep(50_000)
            for index in children.indices where !children[index].isOver { try look(at: index) }
            if failures.count >= order.mostFailures || repeated >= Self.mostRepeated { stopAll() }
            sayProgress()
        }
        if !order.isSabotage { saveAll() }
        var verdict = Verdict(
            inputs: total, perTarget: [:], seconds: (ContinuousClock.now - began) / .seconds(1), seed: order.seed,
            failures: failures)
        for (index, target) in targets.enumerated() {
            verdict.perTarget[target.name] = Verdict.Target(
                inputs: children.reduce(0) { $0 + $1.hand.done(index) },
                accepted: children.reduce(0) { $0 + $1.hand.accepted(index) })
        }
        verdict.judge()
        return verdict
    }

    private func saveAll() {
        for index in failures.indices {
            failures[index].save(root: order.root)
            guard let path = failures[index].saved else { continue }
            Progress.say("  saved: \(path)\n  again: voice-fuzz --target \(failures[index].target) --replay \(path)")
        }
    }

    private var total: Int { children.reduce(0) { $0 + $1.hand.all } }

    private func look(at index: Int) throws {
        let child = children[index]
        if child.process.isRunning {
            let all = child.hand.all
            if all != child.seen {
                children[index].seen = all
                children[index].seenAt = .now
            } else if ContinuousClock.now - child.seenAt > Self.patience {
                kill(child.process.processIdentifier, SIGKILL)
                child.process.waitUntilExit()
                try failed(index, "no answer within \(Self.patience)")
            }
            return
        }
        let status = child.process.terminationStatus
        switch child.process.terminationReason {
        case .exit where status == 0: children[index].isOver = true
        case .exit where status == Worker.brokenCode: try failed(index, child.hand.message ?? "broken")
        case .exit: try failed(index, "the worker ended with code \(status)")
        default: try failed(index, "killed by signal \(status) (\(String(cString: strsignal(status))))")
        }
    }

    /// Notes what the child had in hand, and goes on behind it with a new one.
    private func failed(_ index: Int, _ cause: String) throws {
        let child = children[index]
        let target = targets.indices.contains(child.hand.target) ? targets[child.hand.target].name : "none"
        let failure = Failure(child.hand, target: target, seed: order.seed, cause: cause)
        if failures.contains(where: { $0.target == target && $0.cause == cause && child.hand.message != nil }) {
            repeated += 1
        } else {
            failures.append(failure)
        }
        let errors = (try? String(contentsOfFile: child.errorPath, encoding: .utf8)) ?? ""
        Progress.say(failure.report)
        for line in errors.split(separator: "\n").prefix(40) { Progress.say("  | \(line)") }
        let isEnough = failures.count >= order.mostFailures || repeated >= Self.mostRepeated
        guard targets.indices.contains(child.hand.target), !isEnough else {
            children[index].isOver = true
            return
        }
        child.hand.count(child.hand.target, accepted: false)
        children[index].process = try start(child.number, hand: child.handPath, errors: child.errorPath)
        children[index].seenAt = .now
    }

    private func stopAll() {
        for index in children.indices where !children[index].isOver {
            if children[index].process.isRunning {
                kill(children[index].process.processIdentifier, SIGKILL)
                children[index].process.waitUntilExit()
            }
            children[index].isOver = true
        }
    }

    private func sayProgress() {
        guard ContinuousClock.now - saidAt >= Self.progressEvery else { return }
        saidAt = .now
        let seconds = Int((saidAt - began) / .seconds(1))
        let of = order.inputs.map { " of \($0)" } ?? ""
        let now = Set(children.filter { !$0.isOver }.map(\.hand.target)).filter(targets.indices.contains)
            .map { targets[$0].name }
        Progress.say("voice-fuzz: \(total)\(of) inputs in \(seconds) s, now \(now.sorted().joined(separator: ", "))")
    }
}

/// Lines for people, on standard error.
enum Progress {
    static func say(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8)) }
}
