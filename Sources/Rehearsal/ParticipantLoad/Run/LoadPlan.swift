import InterviewCore

/// What a load run is to do.
package struct LoadPlan: Sendable {
    package enum Source: Sendable {
        /// Sessions are created through REST, as many as the run needs.
        case create(web: Address, study: String, apiKey: String?)
        /// Each of these is joined once.
        case tickets([JoinTicket])
    }

    package var source: Source
    /// How many talk at the same time.
    package var sessions: Int
    /// From the first join to the last goodbye.
    package var duration: Duration
    /// The joins are spread over this.
    package var ramp: Duration
    /// How long each conversation lasts before its place is taken by a new one; nil: to the end of the run.
    package var churn: Duration?
    /// Conversations in all; with churn nobody takes a place after so many. Nil: as many as the time allows.
    package var total: Int?
    /// Mean time between cuts of one participant's line; nil: never.
    package var cutEvery: Duration?
    /// How long the network stays away after a cut, at random; zero: the participant is back at once.
    package var cutFor: ClosedRange<Duration> = .zero ... .zero
    package var codec: AudioFormat
    package var style: TalkStyle
    /// Say `leave` at the end; else the line is closed 1001.
    package var leaves: Bool
    /// Connect here instead of the sessions' own media address, in turn.
    package var addresses: [Address] = []
    package var joinPatience: Duration
    /// Network threads.
    package var threads: Int
    package var seed: UInt64

    package init(
        source: Source, sessions: Int, duration: Duration, ramp: Duration = .zero, churn: Duration? = nil,
        cutEvery: Duration? = nil, codec: AudioFormat = .opus, style: TalkStyle = .turns(TurnHabits()),
        leaves: Bool = true, joinPatience: Duration = .seconds(10), threads: Int = 1, seed: UInt64 = 1
    ) {
        self.source = source
        self.sessions = sessions
        self.duration = duration
        self.ramp = ramp
        self.churn = churn
        self.cutEvery = cutEvery
        self.codec = codec
        self.style = style
        self.leaves = leaves
        self.joinPatience = joinPatience
        self.threads = threads
        self.seed = seed
    }
}

/// Where a run falls short; nil is not judged.
package struct LoadThresholds: Sendable {
    package var lateP99Milliseconds: Int?
    package var firstVoiceP95Milliseconds: Int?
    package var joinP99Milliseconds: Int?
    package var turnP95Milliseconds: Int?
    /// From the loss of a line to the `welcome` of the next.
    package var rejoinP99Milliseconds: Int?
    /// `error` messages, refusals (also those that a later attempt made good) and failures of lines.
    package var errors: Int?
    /// Times that a loudspeaker ran dry within an utterance.
    package var underruns: Int?
    /// Utterances that nothing was answered to.
    package var unanswered: Int?
    package var failed: Int

    package init(
        lateP99Milliseconds: Int? = nil, firstVoiceP95Milliseconds: Int? = nil, joinP99Milliseconds: Int? = nil,
        turnP95Milliseconds: Int? = nil, rejoinP99Milliseconds: Int? = nil, errors: Int? = nil,
        underruns: Int? = nil, unanswered: Int? = nil, failed: Int = 0
    ) {
        self.rejoinP99Milliseconds = rejoinP99Milliseconds
        self.errors = errors
        self.underruns = underruns
        self.unanswered = unanswered
        self.lateP99Milliseconds = lateP99Milliseconds
        self.firstVoiceP95Milliseconds = firstVoiceP95Milliseconds
        self.joinP99Milliseconds = joinP99Milliseconds
        self.turnP95Milliseconds = turnP95Milliseconds
        self.failed = failed
    }

    /// What falls short, as sentences; empty when the run is good.
    package func complaints(about summary: LoadSummary) -> [String] {
        var found: [String] = []
        func judge(_ what: String, _ value: Double, _ limit: Int?) {
            guard let limit, value > Double(limit) else { return }
            found.append("\(what) is \(Int(value.rounded(.up))) ms, allowed are \(limit) ms")
        }
        if summary.failed > failed { found.append("\(summary.failed) participants failed, allowed are \(failed)") }
        if summary.joined == 0 { found.append("nobody joined") }
        // TCP loses and doubles nothing: what is amiss here is the service's doing, so there is no allowance for it.
        let amiss = summary.missing + summary.repeated + summary.afterFlush + summary.unannounced
        if amiss > 0 { found.append("\(amiss) frames are lost, doubled or misplaced") }
        judge("late p99", Double(summary.late.p99), lateP99Milliseconds)
        judge("first voice p95", summary.firstVoice.p95, firstVoiceP95Milliseconds)
        judge("join p99", summary.join.p99, joinP99Milliseconds)
        judge("turn p95", summary.turn.p95, turnP95Milliseconds)
        judge("rejoin p99", summary.rejoin.p99, rejoinP99Milliseconds)
        func count(_ what: String, _ value: Int, _ limit: Int?) {
            guard let limit, value > limit else { return }
            found.append("\(value) \(what), allowed are \(limit)")
        }
        count("errors", summary.errors.values.reduce(0, +), errors)
        count("times a loudspeaker ran dry", summary.underruns, underruns)
        count("utterances were not answered", summary.unanswered, unanswered)
        return found
    }
}
