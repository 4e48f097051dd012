import InterviewCore
import Ports

extension SessionSupervisor: Control {
    package func health() -> HealthReport {
        var reasons: [String] = []
        if isDraining { reasons.append("draining") }
        if !storeIsUp { reasons.append("store_unavailable") }
        reasons += settings.seats.reasons(at: load()).map(\.rawValue)
        if diskIsNearlyFull { reasons.append(Self.diskReason) }
        if storeIsUp, !lease.isConfirmed { reasons.append(Self.leaseReason) }
        if services.spool.isFull { reasons.append(Self.spoolReason) }
        let status = isDraining ? "draining" : reasons.isEmpty ? "healthy" : "degraded"
        return HealthReport(
            status: status, activeSessions: sessions.count, acceptingNew: reasons.isEmpty, draining: isDraining,
            capacity: settings.seats.capacity, reasons: reasons)
    }

    /// A loop that has not turned for 60 s takes the others' calls with it; all stuck for 10 s: nobody is served.
    package func isAlive() -> Bool {
        let still = loops.map { services.loopTiming($0).still }
        guard let least = still.min(), let most = still.max() else { return true }
        return least < .seconds(10) && most < .seconds(60)
    }

    package func metricsPage() async -> String {
        let summaries = await sessions()
        let metrics = services.metrics
        metrics.clear(Metric.sessionsActive)
        metrics.clear(Metric.sessionsByState)
        for word in SessionLifecycle.words { metrics.set(Metric.sessionsByState, [word], to: 0) }
        for summary in summaries {
            metrics.add(Metric.sessionsActive, [summary.provider, summary.language])
            metrics.add(Metric.sessionsByState, [summary.state])
        }
        for loop in loops {
            metrics.set(Metric.loopLag, ["\(loop.index)"], to: services.loopTiming(loop).lagP99 / .seconds(1))
        }
        metrics.set(Metric.memoryShare, to: services.memoryShare() ?? 0)
        metrics.set(Metric.leaseConfirmed, to: lease.isConfirmed ? 1 : 0)
        metrics.set(Metric.joinsWaiting, to: Double(arriving.count))
        noteProvider()
        services.storePool()?.tell(metrics)
        metrics.set(Metric.partsPending, to: Double(services.recorders.waitingParts))
        return metrics.page()
    }

    private func noteProvider() {
        let (metrics, provider) = (services.metrics, services.provider)
        let prewarmed = provider.prewarmed
        metrics.set(Metric.prewarmReady, [provider.name], to: Double(prewarmed.ready))
        metrics.set(Metric.prewarmEnds, [provider.name, "taken"], to: Double(prewarmed.taken))
        metrics.set(Metric.prewarmEnds, [provider.name, "aged"], to: Double(prewarmed.aged))
        metrics.set(Metric.prewarmEnds, [provider.name, "failed"], to: Double(prewarmed.failed))
        let cached = metrics.value(Metric.inputTokens, [provider.name, "cached"])
        let all = cached + metrics.value(Metric.inputTokens, [provider.name, "fresh"])
        if all > 0 { metrics.set(Metric.cachedRatio, [provider.name], to: cached / all) }
    }

    package func status() async -> StatusReport {
        let summaries = await sessions()
        let byState = Dictionary(summaries.map { ($0.state, 1) }, uniquingKeysWith: +)
        return StatusReport(
            instance: settings.instance.text, build: settings.build,
            uptimeSeconds: Int((now - startedAt) / .seconds(1)), loops: loops.count, health: health(),
            sessionsByState: byState)
    }

    package func sessions() async -> [SessionSummary] {
        let entries = sessions.values.sorted { $0.startedAt < $1.startedAt }
        var summaries: [SessionSummary] = []
        for entry in entries { summaries.append(await entry.session.summary()) }
        return summaries
    }

    package func session(_ id: SessionID) async -> SessionDetail? {
        await sessions[id]?.session.detail()
    }

    package func costs() async -> [SessionCost] {
        let entries = sessions.values.sorted { $0.startedAt < $1.startedAt }
        var costs: [SessionCost] = []
        for entry in entries { costs.append(await entry.session.cost()) }
        return costs
    }

    package func cost(of id: SessionID) async -> SessionCost? { await sessions[id]?.session.cost() }

    package func close(_ id: SessionID, detail: String?) async throws(StoreError) -> CloseOutcome {
        if let entry = sessions[id] {
            return await entry.session.close(detail: detail) ? .closed : .alreadyEnded
        }
        switch try await services.store.requestClose(id, detail: detail) {
        case .ended: return .closed
        case .requested: return .requested
        case .alreadyEnded: return .alreadyEnded
        case .unknown: return .unknown
        }
    }

    package func drain(timeout: Duration?) -> DrainReport {
        let first = !isDraining
        beginDrain(timeout: timeout)
        // The deadline holds also when no signal follows; the process itself stays until one does.
        if first { Task { await self.drainAndWait(timeout: timeout) } }
        return drainReport()
    }
}
