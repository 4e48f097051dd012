import ArgumentParser
import InterviewCore
import ParticipantLoad

@main
struct VoiceLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voice-load",
        abstract: "Talks to a running voiced as many participants do, in real time, and measures what they hear.",
        discussion: """
            Each participant joins, listens, thinks, says a recorded sentence, listens again. What it hears is played \
            on a simulated loudspeaker, reported with `played`, and measured at the socket: a frame is late by what it \
            comes after (first frame of its utterance) + n × 20 ms.

            Every sentence is encoded once, before the first join, and shared by all participants: while people talk \
            this program only packs and sends, and what it receives is never decoded.

            Ten people for a minute, against `make run`:
              voice-load --url http://127.0.0.1:3000 --sessions 10 --duration 60s

            A thousand calls of five seconds, twenty at a time:
              voice-load --sessions 20 --churn 5s --total 1000 --duration 20m

            People whose network is bad, who interrupt, and who mute themselves now and then:
              voice-load --sessions 20 --cut-every 15s --cut-for 4s --barge-in 30% --mute 10% --think 200-4000

            Two instances behind no balancer, half of the people to each:
              voice-load --sessions 40 --via ws://10.0.0.1:8082 --via ws://10.0.0.2:8082

            A rehearsal that decides (exit code 1 when any limit is passed, or a frame is lost or doubled):
              voice-load --sessions 50 --max-late-p99-ms 20 --max-ttfv-p95-ms 1500 --max-errors 0 --json

            Recorded sentences come from the Debian packages asterisk-core-sounds-{en,es,fr}-wav and alsa-utils, or \
            from --wav. Ctrl-C ends politely, with the report; a second one at once.

            Exit codes: 0 good · 1 fell short (nobody could join is one way) · 64 wrong usage, or a recording or list of \
            tokens that cannot be used.
            """,
        version: BuildVersion.text)

    @OptionGroup(title: "Who and how long") var crowd: CrowdOptions
    @OptionGroup(title: "Behaviour") var habits: HabitOptions
    @OptionGroup(title: "Judgement and output") var output: OutputOptions

    mutating func validate() throws {
        try crowd.validate()
        try habits.validate()
    }

    func run() async throws {
        let console = Console(quiet: output.quiet)
        let voice: PreparedVoice
        let plan: LoadPlan
        do {
            plan = try crowd.plan(habits)
            let recordings = try habits.recordings()
            console.say("encoding \(recordings.count) recordings")
            voice = try PreparedVoice(VoiceLibrary.load(recordings), format: habits.codec.format)
        } catch let error as ParticipantLoadError {
            throw ValidationError("\(error)")
        }
        let run = LoadRun(plan, voice: voice)
        let summary = await console.watch(run, thresholds: output.thresholds)
        console.show(summary, asJSON: output.json)
        if !summary.ok { throw ExitCode(1) }
    }
}
