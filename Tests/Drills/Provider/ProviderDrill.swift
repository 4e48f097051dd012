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
        do {
            let rig = try await Rig.start(Self.plan, options)
            for scenario in scenarios {
                Progress.say("\(scenario.name): \(scenario.story)")
                do {
                    try await ProviderParty(scenario: scenario, rig: rig, calls: count).hold(&verdict)
                } catch {
                    verdict.fail("\(scenario.name): \(error)")
                    Progress.say(rig.daemon.lastErrorLines)
                }
            }
            await rig.stop()
        } catch {
            verdict.fail("\(error)")
        }
        verdict.figure("calls", count)
        verdict.figure("scenarios", scenarios.count)
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    private var count: Int { calls ?? (options.small ? 2 : 10) }

    private var scenarios: [ProviderScenario] {
        let all = ProviderScenario.all(calls: count)
        if Sabotage.isOn { return Array(all.prefix(1)) }
        return all.filter { scenario in
            only.isEmpty
                ? !options.small || ProviderScenario.small.contains(scenario.name) : only.contains(scenario.name)
        }
    }

    private static let plan = RigPlan(
        conversation: RigPlan.Conversation(
            greeting: "Hello, and welcome. How are you today?",
            answers: (1...20).map { "I see. Please tell me more about point \($0), and take your time." },
            participant: (1...20).map { "This is what I say in turn \($0)." }, ends: false))
}
