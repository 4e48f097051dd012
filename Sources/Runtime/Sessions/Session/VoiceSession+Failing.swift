import InterviewCore
import Logging
import Ports

// MARK: - Faults of ours
extension VoiceSession {
    /// Something of this actor is broken, not of a peer: it lets go of the conversation as a drain does, and the
    /// participant's return a moment later begins it anew from the journal. What fails again and again is ended.
    /// - Parameter cause: a word for metric, log and row: `journal`, `encoder`.
    func fail(_ cause: String) {
        guard lifecycle.outcome == nil, !hasFailed else { return }
        hasFailed = true
        note("failed: \(cause)")
        services.metrics.add(Metric.restarts, [cause])
        Task { await self.restart(cause) }
    }

    private func restart(_ cause: String) async {
        let answer = await keeper.sessionFailed(id, self)
        let now = loop.now
        guard lifecycle.outcome == nil else { return }
        switch answer {
        case .restart:
            log.error("session fails and is begun anew", metadata: ["cause": "\(cause)"])
            await forceClose()
        case .giveUp:
            log.error("session fails again and again", metadata: ["cause": "\(cause)"])
            if case .end(let end) = lifecycle.ended(.error, detail: cause, at: now) { finish(end) }
        }
    }
}

// MARK: - The supervisor's look
extension VoiceSession {
    /// Active time until it counts as a zombie; nil when it is over.
    func lifeLeft() -> Duration? {
        guard lifecycle.outcome == nil else { return nil }
        return lifecycle.limits.hardLimit + SessionSupervisor.zombieAfter - lifecycle.activeTime(at: loop.now)
    }

    func endZombie() {
        if case .end(let end) = lifecycle.ended(.zombie, detail: nil, at: loop.now) { finish(end, reaped: true) }
    }
}
