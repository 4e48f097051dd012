import InterviewCore
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
            turnLatenciesMilliseconds: turnLatencies, timeline: Array(timeline.entries))
    }
}

extension SessionLifecycle {
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
