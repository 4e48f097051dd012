import ArgumentParser
import ParticipantLoad

/// `make drill-rejoin`: lines that break, a process that is killed, a process that stands still; no word may be lost.
struct RejoinDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejoin",
        abstract: "Lines cut in mid-word and mid-answer, kill -9 and restart, a frozen process: no word is lost.",
        discussion: "SABOTAGE=1 lets the clients forget what is not acknowledged when their line breaks.")

    @OptionGroup var options: DrillOptions

    @Option(help: "Participants. Default 20, with --small 4.")
    var participants: Int?

    @Option(help: "Seed of all chance.")
    var seed: UInt64 = 11

    func validate() throws {
        guard (1...100).contains(participants ?? 1) else { throw ValidationError("--participants must be 1 to 100.") }
    }

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(
            drill: "rejoin", sabotage: Sabotage.isOn ? "clients forget their memory when the line breaks" : nil)
        do {
            let rig = try await Rig.start(Self.plan, options)
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

    /// No text is ever said twice by the script, so that a text heard twice is an answer given twice.
    static var plan: RigPlan {
        RigPlan(
            conversation: RigPlan.Conversation(
                greeting: "Hello, and welcome. How are you today?",
                answers: (1...200).map { "I see. Please tell me more about point \($0)." },
                participant: (1...200).map { "This is what I say in turn \($0)." }, ends: false,
                answersByTurn: true))
    }

    private func hold(_ rig: Rig, _ verdict: inout Verdict) async throws {
        let party = try await RejoinParty.join(
            rig, count: participants ?? (options.small ? 4 : 20), seed: seed,
            RejoinParty.Manner(forgetful: Sabotage.isOn))
        do {
            let first = party.connections
            try await party.cutLines(times: options.small ? 2 : 5, &verdict)
            verdict.expect(
                try await SimulatorWitness.read(rig).connections.count == first.count,
                "cuts: each kept its provider connection")
            let kill = try await party.kill(rig.slots[0], &verdict)
            try await party.talk(for: options.small ? 6 : 12)
            try await party.freeze(for: .seconds(options.small ? 4 : 6), &verdict)
            try await party.talk(for: options.small ? 4 : 8)
            let reports = try await party.end(&verdict)
            let account = RejoinAccount(rig: rig, party: party, reports: reports, kills: [kill])
            try await account.compare(&verdict)
            if !options.small {
                try await RejoinAbsence(rig: rig, voice: party.voice).hold(&verdict)
            }
        } catch {
            await party.stop()
            throw error
        }
    }
}
