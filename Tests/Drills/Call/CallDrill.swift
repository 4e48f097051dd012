import ArgumentParser
import InterviewCore
import ParticipantLoad

/// `make drill-call`: recorded speech through the running daemon and the simulator; nothing on the way may change.
struct CallDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Recorded speech through daemon and simulator: every byte, turn and micro-dollar compared.",
        discussion: "SABOTAGE=1 loses one audio frame between the participant and the daemon.")

    @OptionGroup var options: DrillOptions

    /// The audio frame that sabotage loses: in the middle of the first call's greeting.
    private static let lostFrame = 120

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(
            drill: "call",
            sabotage: Sabotage.isOn ? "frame \(Self.lostFrame) of each call is lost before the daemon" : nil)
        do {
            let rig = try await Rig.start(Self.plan(small: options.small), options)
            do {
                try await hold(rig, &verdict)
            } catch {
                verdict.fail("\(error)")
                Progress.say(rig.daemon.lastErrorLines)
            }
            await rig.stop()
        } catch {
            verdict.fail("\(error)")
        }
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    private static func plan(small: Bool) -> RigPlan {
        let questions = [
            "Thank you. What did you drink this morning?",
            "I see. And how did you get to work today?",
        ]
        let said = ["I am fine, thank you.", "A cup of coffee at home."]
        return RigPlan(
            conversation: RigPlan.Conversation(
                greeting: "Hello, and welcome. How are you today?",
                answers: Array(questions.prefix(small ? 0 : 1)) + ["Thank you for your time. Goodbye!"],
                participant: said, ends: true))
    }

    private func hold(_ rig: Rig, _ verdict: inout Verdict) async throws {
        let rounds = rig.plan.conversation.answers.count
        var call = Call(
            name: "pcm", up: .pcm, recordings: Array([Caller.english, Caller.spanish].prefix(rounds)), rig: rig,
            manifests: options.manifests)
        try await call.hold(losing: Sabotage.isOn ? Self.lostFrame : nil, &verdict)
        if options.small { return }
        call = Call(
            name: "opus", up: .opus, recordings: Array([Caller.french, Caller.alsa].prefix(rounds)), rig: rig,
            manifests: options.manifests)
        try await call.hold(losing: Sabotage.isOn ? Self.lostFrame : nil, &verdict)
    }
}
