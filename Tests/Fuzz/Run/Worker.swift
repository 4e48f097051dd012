import Foundation
import Glibc

/// Runs inputs until its part of the plan is done. Dies of the first trap: that is what it is for.
final class Worker {
    /// Exit code after a broken invariant; the hand file says which.
    static let brokenCode: Int32 = 3
    /// Inputs between two looks at the clock and at the parent.
    private static let batch = 256
    /// Address space: an input that makes a decoder ask for gigabytes is a finding.
    private static let mostMemory: rlim_t = 8 << 30

    private let hand: HandFile
    private let targets: [any FuzzTarget]
    private let generators: [Generator]
    private let plan: FuzzPlan
    private let number: Int
    private let deadline: ContinuousClock.Instant?
    private let parent = getppid()

    init(
        _ hand: HandFile, targets: [any FuzzTarget], root: String, seed: UInt64, plan: FuzzPlan, number: Int,
        seconds: Double?
    ) {
        self.hand = hand
        self.targets = targets
        self.plan = plan
        self.number = number
        generators = targets.map { Generator($0, corpus: Corpus(of: $0, root: root), seed: seed) }
        deadline = seconds.map { .now + .seconds($0) }
    }

    /// The process's exit code.
    func run() -> Int32 {
        var limit = rlimit(rlim_cur: Self.mostMemory, rlim_max: Self.mostMemory)
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        var round = 0
        while true {
            round += 1
            var isDone = true
            for target in targets.indices {
                let quota = plan.quota(of: target, worker: number)
                let (slice, overflow) = plan.slices[target].multipliedReportingOverflow(by: round)
                switch run(target, until: overflow ? quota : min(quota, slice)) {
                case .finished: if hand.done(target) < quota { isDone = false }
                case .timeIsUp: return 0
                case .broken: return Self.brokenCode
                }
            }
            if isDone { return 0 }
        }
    }

    private enum Outcome { case finished, timeIsUp, broken }

    private func run(_ target: Int, until end: Int) -> Outcome {
        var count = hand.done(target)
        while count < end {
            if count % Self.batch == 0, isTimeUp { return .timeIsUp }
            let index = UInt64(count) * UInt64(plan.workers) + UInt64(number)
            hand.begin(target: target, index: index)
            let input = hand.put(generators[target].input(index))
            do throws(Broken) {
                let answer = try targets[target].take(input)
                hand.count(target, accepted: answer == .accepted)
            } catch {
                hand.complain(error.what)
                return .broken
            }
            count += 1
        }
        return .finished
    }

    private var isTimeUp: Bool {
        if let deadline, .now >= deadline { return true }
        // The supervisor is gone: nobody would read what is found.
        return getppid() != parent
    }
}
