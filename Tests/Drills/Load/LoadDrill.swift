import ArgumentParser
import Foundation
import InterviewCore
import ParticipantLoad

/// `make drill-load`: many at once, many in turn, and all at once.
struct LoadDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract:
            "A steady crowd, a thousand short calls, a burst: nothing late, nothing left behind, nobody forgotten.",
        discussion: """
            Minutes of the steady run: --minutes, else MINUTES in the environment, else 5. SABOTAGE=1 stops the daemon \
            for 300 ms now and then while the crowd talks, and lets the short calls end without a goodbye, so that they \
            stay.
            """)

    @OptionGroup var options: DrillOptions

    @Option(help: "Length of the steady run; default 5, small a quarter.")
    var minutes: Double?

    @Option(help: "Participants of the steady run; default 50, small 8.")
    var sessions: Int?

    @Option(help: "Short calls in all; default 1,000, small 60.")
    var churned: Int?

    func validate() throws {
        if let minutes, !(0.1...600).contains(minutes) { throw ValidationError("--minutes is 0.1 to 600.") }
        if let sessions, !(1...180).contains(sessions) { throw ValidationError("--sessions is 1 to 180.") }
        if let churned, !(1...100_000).contains(churned) { throw ValidationError("--churned is 1 to 100,000.") }
    }

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(
            drill: "load", sabotage: Sabotage.isOn ? "the daemon is stopped for 300 ms at a time, calls never end" : nil
        )
        let voice: PreparedVoice
        do {
            let recordings = VoiceLibrary.installed().prefix(16)
            guard recordings.count > 3 else {
                throw DrillError.missing("recorded voices (asterisk-core-sounds-en-wav)")
            }
            // Encoded once for everybody: the crowd itself costs no codec.
            voice = try PreparedVoice(VoiceLibrary.load(Array(recordings)), format: .opus)
        } catch {
            verdict.fail("\(error)")
            print(verdict.line())
            throw ExitCode(1)
        }
        await Rig.hold("load", Self.plan(seatsPerLoop: 100), options, &verdict) { rig, verdict in
            try await SteadyRun(rig: rig, voice: voice, sessions: sessions ?? (options.small ? 8 : 50), length: length)
                .hold(&verdict)
            try await ShortCalls(
                rig: rig, voice: voice, total: churned ?? (options.small ? 60 : 1_000),
                length: options.small ? .seconds(2) : .seconds(5), atOnce: options.small ? 15 : 50
            ).hold(&verdict)
        }
        let room = options.small ? 5 : 20
        await Rig.hold("burst", Self.plan(seatsPerLoop: room), options, &verdict) { rig, verdict in
            try await Burst(rig: rig, voice: voice, joins: options.small ? 30 : 100, seats: room * 2).hold(&verdict)
        }
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    private var length: Duration {
        let asked = minutes ?? ProcessInfo.processInfo.environment["MINUTES"].flatMap(Double.init)
        let length = asked ?? (options.small ? 0.25 : 5)
        return .milliseconds(Int64(min(max(length, 0.1), 600) * 60_000))
    }

    private static func plan(seatsPerLoop: Int) -> RigPlan {
        var plan = RigPlan(
            conversation: RigPlan.Conversation(
                greeting: "Hello, and welcome to this interview. How are you today?",
                answers: (1...12).map {
                    "Thank you, that is good to know. Let us go on with question \($0): what did you do after that, and why?"
                }, participant: (1...12).map { "This is what I say in turn \($0)." }, ends: false))
        plan.seatsPerLoop = seatsPerLoop
        plan.keepsSound = false
        plan.logLevel = "info"
        return plan
    }
}
