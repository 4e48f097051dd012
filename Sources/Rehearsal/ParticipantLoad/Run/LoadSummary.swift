import InterviewCore

/// Figures of a run; the JSON keys are read by drills and benches.
package struct LoadSummary: Sendable, Codable {
    package struct Spread: Sendable, Codable {
        package var count: Int
        package var p50: Double
        package var p95: Double
        package var p99: Double
        package var max: Double
    }

    package struct Late: Sendable, Codable {
        package var p50: Int
        package var p99: Int
        package var max: Int
        /// Frames later than 20 ms.
        package var overOneFrame: Int

        enum CodingKeys: String, CodingKey {
            case p50, p99, max
            case overOneFrame = "over_20"
        }
    }

    package var ok = true
    package var complaints: [String] = []
    package var wanted = 0
    package var joined = 0
    package var failed = 0
    package var rejoins = 0
    package var seconds = 0.0
    package var join: Spread
    package var firstVoice: Spread
    package var turn: Spread
    package var rejoin: Spread
    package var late: Late
    package var framesUp = 0
    package var framesUpAgain = 0
    package var framesDown = 0
    package var bytesUp = 0
    package var bytesDown = 0
    package var missing = 0
    package var repeated = 0
    package var afterFlush = 0
    package var unannounced = 0
    package var forgotten = 0
    package var underruns = 0
    package var unanswered = 0
    package var turns = 0
    /// How conversations ended, by word.
    package var outcomes: [String: Int] = [:]
    package var errors: [String: Int] = [:]
    package var closeCodes: [String: Int] = [:]

    enum CodingKeys: String, CodingKey {
        case ok, complaints, wanted, joined, failed, rejoins, seconds, missing, repeated, unannounced, forgotten
        case underruns, unanswered, turns, outcomes, errors
        case join = "join_ms"
        case firstVoice = "ttfv_ms"
        case turn = "turn_ms"
        case rejoin = "rejoin_ms"
        case late = "late_ms"
        case afterFlush = "after_flush"
        case framesUp = "frames_up"
        case framesUpAgain = "frames_up_again"
        case framesDown = "frames_down"
        case bytesUp = "bytes_up"
        case bytesDown = "bytes_down"
        case closeCodes = "close_codes"
    }
}

/// Adds up participants' reports without keeping them.
package struct LoadTally: Sendable {
    private var summary = LoadSummary(
        join: LoadTally.spread([]), firstVoice: LoadTally.spread([]), turn: LoadTally.spread([]),
        rejoin: LoadTally.spread([]), late: LoadSummary.Late(p50: 0, p99: 0, max: 0, overOneFrame: 0))
    private var joins: [Double] = []
    private var voices: [Double] = []
    private var turns: [Double] = []
    private var rejoins: [Double] = []
    private var lateness = MillisecondHistogram()

    package init() {}

    package mutating func wanted() { summary.wanted += 1 }

    /// A session that could not even be created.
    package mutating func failed(_ error: ParticipantLoadError) {
        summary.failed += 1
        summary.outcomes["not_created", default: 0] += 1
        summary.errors[Self.word(error), default: 0] += 1
    }

    package mutating func add(_ report: ParticipantReport) {
        if report.connections > 0 { summary.joined += 1 }
        summary.rejoins += max(0, report.connections - 1)
        if let took = report.joinTook { joins.append(Self.milliseconds(took)) }
        if let took = report.firstVoice { voices.append(Self.milliseconds(took)) }
        turns.append(contentsOf: report.turnLatencies.map(Self.milliseconds))
        rejoins.append(contentsOf: report.rejoinsTook.map(Self.milliseconds))
        lateness.add(report.down.lateness)
        summary.framesUp += report.framesSent
        summary.framesUpAgain += report.framesSentAgain
        summary.framesDown += report.down.frames
        summary.bytesUp += report.bytesSent
        summary.bytesDown += report.down.bytes
        summary.missing += report.down.missing
        summary.repeated += report.down.repeated + report.down.timestampsBack
        summary.afterFlush += report.down.afterFlush
        summary.unannounced += report.down.unannounced
        summary.forgotten += report.framesForgotten
        summary.underruns += report.underruns
        summary.unanswered += report.unanswered
        let (word, isFailure) = Self.judge(report.outcome)
        summary.outcomes[word, default: 0] += 1
        if isFailure { summary.failed += 1 }
        for (code, count) in report.errors { summary.errors[code, default: 0] += count }
        for (code, count) in report.closeCodes { summary.closeCodes[String(code), default: 0] += count }
    }

    package func summary(after elapsed: Duration, thresholds: LoadThresholds) -> LoadSummary {
        var result = summary
        result.seconds = Self.milliseconds(elapsed) / 1_000
        result.turns = turns.count
        result.join = Self.spread(joins)
        result.firstVoice = Self.spread(voices)
        result.turn = Self.spread(turns)
        result.rejoin = Self.spread(rejoins)
        result.late = LoadSummary.Late(
            p50: lateness.percentile(0.5), p99: lateness.percentile(0.99), max: lateness.largest,
            overOneFrame: lateness.above(20))
        result.complaints = thresholds.complaints(about: result)
        result.ok = result.complaints.isEmpty
        return result
    }

    /// The ends that are a service's fault: a participant was turned away, thrown out or lost.
    static func judge(_ outcome: ParticipantOutcome?) -> (word: String, isFailure: Bool) {
        switch outcome {
        case .ended(let reason):
            (reason, ["error", "provider_failed", "interrupted", "zombie", "none", "410"].contains(reason))
        case .stopped: ("stopped", false)
        case .joinedElsewhere: ("joined_elsewhere", true)
        case .refused(let status, let code): ("refused \(status) \(code)", true)
        case .gaveUp(let last): ("gave_up after \(last)", true)
        case .rejected(let code): ("rejected \(code)", true)
        case .leaveUnanswered: ("leave_unanswered", true)
        case nil: ("unknown", true)
        }
    }

    private static func word(_ error: ParticipantLoadError) -> String {
        switch error {
        case .refused(let status, let code): "\(status) \(code)"
        case .unreachable(let code): code
        case .unreadable, .wave, .codec, .address, .nonsense: "unusable"
        }
    }

    package static func spread(_ values: [Double]) -> LoadSummary.Spread {
        let sorted = values.sorted()
        func at(_ share: Double) -> Double {
            guard !sorted.isEmpty else { return 0 }
            let index = Int((share * Double(sorted.count)).rounded(.up)) - 1
            return (sorted[min(max(index, 0), sorted.count - 1)] * 10).rounded() / 10
        }
        return LoadSummary.Spread(count: sorted.count, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1))
    }

    package static func milliseconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) * 1_000 + Double(attoseconds) / 1e15
    }
}
