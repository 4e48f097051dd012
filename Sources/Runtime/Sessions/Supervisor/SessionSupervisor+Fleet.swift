import Glibc
import InterviewCore
import Ports

// MARK: - What the store says of all processes
extension SessionSupervisor {
    /// Sessions that are looked at for stuck ones.
    static let mostLookedAt = 10_000

    /// What people's clocks say, for reports: what is decided by time goes by the store's clock.
    private static var wallClock: StoreTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return StoreTime(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package func fleet() async throws(StoreError) -> FleetReport {
        let now = Self.wallClock
        return FleetReport(
            instances: try await services.store.instances().map { row in
                FleetInstance(
                    instance: row.id.text, isThis: row.id == settings.instance, build: row.build,
                    mediaAddress: row.mediaAddress, mediaURL: row.mediaURL, active: row.active,
                    capacity: row.capacity, draining: row.draining, startedAt: row.startedAt.milliseconds,
                    upSeconds: max(0, Int((now.milliseconds - row.startedAt.milliseconds) / 1_000)),
                    leaseLeftMilliseconds: row.leaseLeftMilliseconds)
            })
    }

    package func stuck() async throws(StoreError) -> StuckReport {
        let studies = try await services.store.studies()
        let limits = Dictionary(
            studies.map { study in
                let limits = settings.limits(for: study)
                return (study.id, (hardLimit: limits.hardLimit, rejoin: limits.rejoin))
            }, uniquingKeysWith: { first, _ in first })
        let others = (hardLimit: settings.limits.hardLimit, rejoin: settings.limits.rejoin)
        let rows = try await services.store.sessions(
            SessionFilter(states: [.scheduled, .active, .interrupted], limit: Self.mostLookedAt))
        // After the rows: a process that took one meanwhile is known then.
        let instances = try await services.store.instances()
        let rule = StuckRule(instances: instances, now: Self.wallClock) { limits[$0] ?? others }
        let found = rows.compactMap { rule.judge($0) }.sorted { ($0.seconds ?? 0, $1.id) > ($1.seconds ?? 0, $0.id) }
        return StuckReport(sessions: found, looked: rows.count, isPartial: rows.count >= Self.mostLookedAt)
    }
}
