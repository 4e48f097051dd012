import ArgumentParser
import Foundation
import InterviewCore
import ParticipantLoad

enum Codec: String, ExpressibleByArgument, CaseIterable {
    case opus
    case pcm
    var format: AudioFormat {
        switch self {
        case .opus: .opus
        case .pcm: .pcm
        }
    }
}

enum Style: String, ExpressibleByArgument, CaseIterable {
    case turns
    case endless
    case once
    case quiet
}

/// A share of 0 to 1, also written as `30%`.
struct Share: ExpressibleByArgument, Sendable {
    let value: Double
    init(_ value: Double) { self.value = value }
    init?(argument: String) {
        let percent = argument.hasSuffix("%")
        guard let number = Double(percent ? String(argument.dropLast()) : argument) else { return nil }
        let share = percent ? number / 100 : number
        guard (0...1).contains(share) else { return nil }
        value = share
    }
}

struct HabitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A recording to speak from: WAV, 8 or 16 bits, any rate; repeatable.", valueName: "file"))
    var wav: [String] = []

    @Option(help: ArgumentHelp("Languages of the built-in set: en, es, fr, it, ru.", valueName: "list"))
    var languages = "en,es,fr"

    @Option(help: "What travels: opus or pcm, both ways.")
    var codec = Codec.opus

    @Option(
        help: ArgumentHelp(
            "turns: listens, thinks, speaks · endless: speaks on whatever comes · once: says everything once · quiet: "
                + "the microphone is on and nobody speaks."))
    var talk = Style.turns

    @Option(help: ArgumentHelp("Time before the next word, in milliseconds.", valueName: "from-to"))
    var think = "500-2000"

    @Option(
        name: .customLong("barge-in"),
        help: ArgumentHelp("Share of answers that are interrupted.", valueName: "share"))
    var bargeIn = Share(0)

    @Option(help: ArgumentHelp("Share of turns before which the microphone is muted for a while.", valueName: "share"))
    var mute = Share(0)

    @Option(
        name: .customLong("cut-every"),
        help: "Cut each participant's line after such a time on average, at any moment; it comes back and sends again.")
    var cutEvery: Span?

    @Option(
        name: .customLong("cut-for"),
        help: "How long the network stays away after a cut, at most; at random. Default: it is back at once.")
    var cutFor: Span?

    @Flag(inversion: .prefixedNo, help: "Say `leave` at the end; otherwise close the line and let the session wait.")
    var leave = true

    func validate() throws {
        _ = try thinkRange()
        if let cutEvery, cutEvery.value < .seconds(1) { throw ValidationError("--cut-every is at least 1s.") }
        if cutFor != nil, cutEvery == nil { throw ValidationError("--cut-for needs --cut-every.") }
    }

    var style: TalkStyle {
        switch talk {
        case .turns:
            .turns(
                TurnHabits(
                    thinkMilliseconds: (try? thinkRange()) ?? 500...2_000, bargeIn: bargeIn.value, mute: mute.value))
        case .endless: .endless
        case .once: .once
        case .quiet: .quiet
        }
    }

    func recordings() throws -> [String] {
        if !wav.isEmpty { return wav }
        let found = VoiceLibrary.installed(languages: languages.split(separator: ",").map(String.init))
        guard !found.isEmpty || talk == .quiet else {
            throw ValidationError(
                "nothing to say: install asterisk-core-sounds-en-wav (or alsa-utils), or name a recording with --wav.")
        }
        return found
    }

    private func thinkRange() throws -> ClosedRange<Int> {
        let ends = think.split(separator: "-").compactMap { Int($0) }
        guard ends.count == 2, ends[0] >= 0, ends[0] <= ends[1], ends[1] <= 600_000 else {
            throw ValidationError("--think is a range of milliseconds, for example 500-2000.")
        }
        return ends[0]...ends[1]
    }
}

struct OutputOptions: ParsableArguments {
    @Flag(help: "One JSON object on standard output instead of the table.")
    var json = false

    @Flag(help: "No progress on standard error.")
    var quiet = false

    @Option(name: .customLong("max-failed"), help: "Participants that may fail.")
    var maxFailed = 0

    @Option(name: .customLong("max-late-p99-ms"), help: "Limit for late frames, p99.")
    var maxLate: Int?

    @Option(name: .customLong("max-ttfv-p95-ms"), help: "Limit from welcome to the agent's first frame, p95.")
    var maxFirstVoice: Int?

    @Option(name: .customLong("max-join-p99-ms"), help: "Limit from the first attempt to welcome, p99.")
    var maxJoin: Int?

    @Option(
        name: .customLong("max-turn-p95-ms"),
        help: ArgumentHelp(
            "Limit from the participant's last frame to the answer's first, p95.",
            discussion: "The provider's silence window is in it."))
    var maxTurn: Int?

    @Option(
        name: .customLong("max-rejoin-p99-ms"), help: "Limit from the loss of a line to the next welcome, p99.")
    var maxRejoin: Int?

    @Option(
        name: .customLong("max-errors"),
        help: "Error messages, refusals (also those that a later attempt made good) and lost lines that may come.")
    var maxErrors: Int?

    @Option(name: .customLong("max-underruns"), help: "Times that a loudspeaker may run dry within an utterance.")
    var maxUnderruns: Int?

    @Option(name: .customLong("max-unanswered"), help: "Utterances that may go without an answer.")
    var maxUnanswered: Int?

    var thresholds: LoadThresholds {
        LoadThresholds(
            lateP99Milliseconds: maxLate, firstVoiceP95Milliseconds: maxFirstVoice, joinP99Milliseconds: maxJoin,
            turnP95Milliseconds: maxTurn, rejoinP99Milliseconds: maxRejoin, errors: maxErrors,
            underruns: maxUnderruns, unanswered: maxUnanswered, failed: maxFailed)
    }
}
