import ArgumentParser
import ParticipantLoad

/// `make drill-drain`: how a process ends while people talk.
struct DrainDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "SIGTERM in mid-call: finish, force-close at the deadline, skip at the second signal.",
        discussion: "SABOTAGE=1 sends SIGKILL where SIGTERM belongs.")

    @OptionGroup var options: DrillOptions

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(drill: "drain", sabotage: Sabotage.isOn ? "SIGKILL instead of SIGTERM" : nil)
        for scenario in DrainScenario.allCases where !options.small || scenario == .deadline {
            Progress.say("\(scenario.rawValue): \(scenario.story)")
            do {
                let rig = try await Rig.start(scenario.plan, options)
                do {
                    try await DrainCall(scenario: scenario, rig: rig).hold(&verdict)
                } catch {
                    verdict.fail("\(scenario.rawValue): \(error)")
                    Progress.say(rig.daemon.lastErrorLines)
                }
                await rig.stop()
            } catch {
                verdict.fail("\(scenario.rawValue): \(error)")
            }
        }
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }
}

enum DrainScenario: String, CaseIterable {
    case finish
    case deadline
    case skip

    var story: String {
        switch self {
        case .finish: "the call ends naturally, the process at once after it"
        case .deadline: "the call outlasts drain.timeout and is handed back to its participant"
        case .skip: "a second SIGTERM skips the waiting, never the flushing"
        }
    }

    var plan: RigPlan {
        var plan = RigPlan(
            conversation: RigPlan.Conversation(
                greeting: "Hello, and welcome. How are you today?",
                answers: ["Thank you. What did you drink this morning?", "Thank you for your time. Goodbye!"],
                participant: ["I am fine, thank you.", "A cup of coffee at home."], ends: self == .finish))
        if self != .finish {
            plan.conversation.answers = (1...20).map { "I see. Please tell me more about point \($0)." }
            plan.conversation.participant = (1...20).map { "This is what I say in turn \($0)." }
        }
        if self == .deadline { plan.drainTimeout = "3s" }
        return plan
    }
}
