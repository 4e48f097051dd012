import ArgumentParser
import ParticipantLoad

/// `make drill-provider`: what becomes of calls when their provider is in trouble.
struct ProviderDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provider",
        abstract: "Each fault of the simulator under running calls: the outcome, and the silence it caused.",
        discussion: "SABOTAGE=1 lets the first fault happen for ever, where one that passes is expected.")

    @OptionGroup var options: DrillOptions

    @Option(help: "Calls under each fault. Default: 10, small 2.")
    var calls: Int?

    @Option(help: "Only this one, by its name. May be repeated.")
    var only: [String] = []

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(drill: "provider", sabotage: Sabotage.isOn ? "the fault never ends" : nil)
        if options.small {
            // Two calls each: all parts beside each other.
            await withTaskGroup(of: Verdict.self) { group in
                for part in parts { group.addTask { await hold(part) } }
                for await found in group { verdict.merge(found) }
            }
        } else {
            for part in parts { verdict.merge(await hold(part)) }
        }
        verdict.figure("calls", count)
        verdict.figure("scenarios", scenarios.count)
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    /// What has a daemon of its own.
    private enum Part: Sendable {
        case faults
        case renewal(RenewalParty.Kind)
        case pool
    }

    private var parts: [Part] {
        let kinds: [RenewalParty.Kind] = [.turns, .restless]
        return (scenarios.isEmpty ? [] : [.faults])
            + kinds.filter { isHeld($0.rawValue) }.map { .renewal($0) } + (isHeld("pool") ? [.pool] : [])
    }

    private func hold(_ part: Part) async -> Verdict {
        var verdict = Verdict(drill: "provider", sabotage: nil)
        do {
            let rig = try await Rig.start(plan(part), options)
            do {
                switch part {
                case .faults: await holdFaults(rig, &verdict)
                case .renewal(let kind):
                    Progress.say("\(kind.rawValue): connections grow old while people talk")
                    try await RenewalParty(kind: kind, rig: rig, calls: count).hold(&verdict)
                case .pool: try await PoolParty(rig: rig, calls: count).hold(&verdict)
                }
            } catch {
                verdict.fail("\(error)")
                Progress.say(rig.daemon.lastErrorLines)
            }
            await rig.stop()
        } catch {
            verdict.fail("\(error)")
        }
        return verdict
    }

    private func plan(_ part: Part) -> RigPlan {
        switch part {
        case .faults: RigPlan(conversation: Self.conversation)
        case .renewal(let kind): RenewalParty.plan(kind, Self.conversation)
        case .pool: PoolParty.plan(Self.conversation)
        }
    }

    private func holdFaults(_ rig: Rig, _ verdict: inout Verdict) async {
        for scenario in scenarios {
            Progress.say("\(scenario.name): \(scenario.story)")
            do {
                try await ProviderParty(scenario: scenario, rig: rig, calls: count).hold(&verdict)
            } catch {
                verdict.fail("\(scenario.name): \(error)")
                Progress.say(rig.daemon.lastErrorLines)
            }
        }
    }

    private var count: Int { calls ?? (options.small ? 2 : 10) }

    private var scenarios: [ProviderScenario] {
        let all = ProviderScenario.all(calls: count)
        if Sabotage.isOn { return Array(all.prefix(1)) }
        return all.filter { isHeld($0.name) }
    }

    /// The sabotage needs no more than the first fault.
    private func isHeld(_ name: String) -> Bool {
        if Sabotage.isOn { return false }
        if !only.isEmpty { return only.contains(name) }
        return !options.small || ProviderScenario.small.contains(name)
    }

    private static let conversation = RigPlan.Conversation(
        greeting: "Hello, and welcome. How are you today?",
        answers: (1...20).map { "I see. Please tell me more about point \($0), and take your time." },
        participant: (1...20).map { "This is what I say in turn \($0)." }, ends: false)
}
