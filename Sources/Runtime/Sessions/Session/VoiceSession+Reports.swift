import InterviewCore
import Logging
import Ports

// MARK: - What operators see
extension VoiceSession {
    func summary() -> SessionSummary {
        SessionSummary(
            id: id, study: study.id, state: lifecycle.word, loop: loop.index, provider: services.provider.name,
            language: study.language, connected: transport != nil,
            activeSeconds: Int(lifecycle.activeTime(at: loop.now) / .seconds(1)), turns: spoken.count,
            costMicros: budget.spentMicros)
    }

    func detail() -> SessionDetail {
        var counters = uplink.counters.merging(downlink.counters) { first, _ in first }
        counters["journal_waiting"] = journal?.count ?? 0
        counters["socket_queued_bytes"] = transport?.queuedBytes ?? 0
        if let stats = clientStats {
            counters["client_rtt_ms"] = stats.roundTripMilliseconds
            counters["client_underruns"] = stats.underruns
            counters["client_mic_dbfs"] = stats.microphoneDecibels.flatMap { Int(exactly: $0.rounded()) }
        }
        return SessionDetail(
            summary: summary(), epoch: record.ownership.epoch, client: client,
            endsInMilliseconds: Int(lifecycle.remaining(at: loop.now) / .milliseconds(1)), counters: counters,
            turnLatenciesMilliseconds: turnLatencies, timeline: timeline.entries)
    }
}

// MARK: - What the log and the journal are told
extension VoiceSession {
    /// How a conversation left this process, in one line with always the same keys. An operator's own words
    /// (`voicectl close --reason`) stay out: they may name somebody.
    func tell(_ event: Logger.Message, reason: String, detail: String?) {
        let now = loop.now
        log.info(
            event,
            metadata: [
                "reason": "\(reason)", "detail": "\(detail ?? "-")", "study": "\(study.id)",
                "epoch": "\(record.ownership.epoch)", "turns": "\(spoken.count)",
                "active_s": "\(Int(lifecycle.activeTime(at: now) / .seconds(1)))",
                "cost_micros": "\(budget.spentMicros)",
            ])
    }

    /// A recording with a hole is told where the conversation is told.
    func noteRecording() {
        guard recorder?.failed == true else { return }
        append(.note(NoteEntry(what: "recording_incomplete")))
    }
}

extension SessionLifecycle {
    /// Every word, so that a state without a session is exported as 0.
    static let words = ["waiting", "connecting", "live", "wrapping_up", "suspended", "closing"]

    /// The state's name in reports and metrics.
    var word: String {
        switch state {
        case .waiting: "waiting"
        case .opening, .openingAlone: "connecting"
        case .live: isWrappingUp ? "wrapping_up" : "live"
        case .suspended: "suspended"
        case .farewell: "wrapping_up"
        case .over: "closing"
        }
    }
}
