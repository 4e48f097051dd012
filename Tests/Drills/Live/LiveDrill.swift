import ArgumentParser
import Foundation
import InterviewCore
import ParticipantLoad

/// `make drill-live`: a short call with the real vendor, when there is a key. The only drill that may skip.
struct LiveDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "live",
        abstract: "A short call with the real vendor, for at most half a dollar. Without a key it says so and skips.",
        discussion: """
            The key comes from OPENAI_API_KEY and goes nowhere but to the daemon. What is said cannot be compared with a \
            script here: that somebody speaks, listens and answers can.
            """)

    @OptionGroup var options: DrillOptions

    @Option(help: "Whom to call: the vendor, or whatever speaks like it.")
    var baseURL = "wss://api.openai.com/v1"

    /// The end comes with the answer that goes over it, which `maxOutputTokens` bounds at seven cents.
    private static let budgetMicros = 400_000
    private static let mostMicros = 500_000
    private static let maxOutputTokens = 1_000
    private static let rounds = 2
    private static let spokenWithin: Duration = .seconds(20)

    func run() async throws {
        guard let key = ProcessInfo.processInfo.environment["OPENAI_API_KEY"], !key.isEmpty else {
            Progress.say("OPENAI_API_KEY is not set: nobody is called, nothing is shown.")
            print(#"{"drill":"live","ok":true,"skipped":"OPENAI_API_KEY is not set"}"#)
            return
        }
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(drill: "live", sabotage: Sabotage.isOn ? "the key is wrong" : nil)
        do {
            let rig = try await Rig.start(plan(key: Sabotage.isOn ? "wrong" : key), options)
            do { try await call(rig, &verdict) } catch {
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

    private func plan(key: String) -> RigPlan {
        var plan = RigPlan(
            conversation: RigPlan.Conversation(
                greeting: "", answers: ["Nobody hears this."], participant: [], ends: false))
        plan.provider = (baseURL, key)
        plan.sessionBudgetMicros = Self.budgetMicros
        plan.maxOutputTokens = Self.maxOutputTokens
        plan.prewarm = 1
        return plan
    }

    private func call(_ rig: Rig, _ verdict: inout Verdict) async throws {
        let ticket = try await rig.createSession()
        let participant = try Caller(
            ticket, up: .opus, recordings: [Caller.english, Caller.alsa], rounds: Self.rounds
        ).participant
        let running = Task { await participant.run() }
        defer { Task { await participant.stop() } }
        Progress.say("calling \(baseURL)")
        try? await eventually("a greeting", within: Self.spokenWithin) {
            await participant.progress.firstVoice != nil
        }
        for round in 1...Self.rounds {
            try? await eventually("answer \(round)", within: Self.spokenWithin) {
                await participant.progress.turnLatencies.count >= round
            }
        }
        // The last answer to its end, within reason.
        try? await eventually("silence", within: .seconds(15)) { await !participant.isHearing }
        await participant.leave()
        judge(await running.value, &verdict)
        try await judgeBill(rig, ticket, &verdict)
    }

    private func judge(_ report: ParticipantReport, _ verdict: inout Verdict) {
        verdict.figure("first_voice_ms", (report.firstVoice ?? .zero) / .milliseconds(1))
        let latencies = report.turnLatencies.map { $0 / .milliseconds(1) }.sorted()
        verdict.figure("turn_latency_ms_max", latencies.last ?? 0)
        verdict.figure("underruns", report.underruns)
        verdict.expect(report.firstVoice != nil, "somebody greets")
        verdict.expect(latencies.count >= Self.rounds, "each turn is answered", "\(latencies.count)")
        let spoken = report.down.items.count { $0.frames >= 25 }
        verdict.expect(spoken >= Self.rounds, "the answers are speech", "\(spoken)")
        let heard = report.transcripts.count { $0.role == .participant && $0.final && !$0.text.isEmpty }
        verdict.expect(heard >= 1, "what the participant says is written down", "\(heard)")
        verdict.expect(!report.states.contains(.reconnecting), "the connection holds")
        verdict.expect(
            report.down.missing == 0 && report.outcome == .ended(reason: "participant_left"),
            "the call ends when its participant leaves", "\(String(describing: report.outcome))")
    }

    private func judgeBill(_ rig: Rig, _ ticket: JoinTicket, _ verdict: inout Verdict) async throws {
        let store = try StoreWitness(rig)
        try? await eventually("the row", within: .seconds(10)) {
            try await store.row(ticket.id)?.state == "ended"
        }
        let micros = try await store.row(ticket.id)?.costMicros ?? 0
        verdict.figure("cost_micros", micros)
        verdict.expect((1...Self.mostMicros).contains(micros), "it cost something, and not over $0.50", "\(micros)")
        let page = try await DaemonWitness.read(rig)
        verdict.figure("cached_share", page.metric("voice_provider_cached_tokens_ratio"))
        verdict.figure("complaints", page.metric("voice_provider_errors_total", ["error_type": "complaint"]))
        let taken = page.metric("voice_provider_prewarmed_total", ["result": "taken"])
        verdict.figure("prewarmed", taken)
    }
}
