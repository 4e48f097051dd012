import InterviewCore
import LocalDisk
import Logging
import Sessions

/// Looks at the disks every few seconds and tells the supervisor when they are nearly full, and when no longer.
actor DiskGuard {
    /// Between two looks. At the 0.6 MB a minute of a hundred conversations this is some 5 MB of the reserve.
    static let interval: Duration = .seconds(5)

    private let watch: DiskWatch
    private let supervisor: SessionSupervisor
    private let metrics: MetricsRegistry
    private let log: Logger
    private var alarm: DiskAlarm
    private var looking: Task<Void, Never>?

    init(
        watch: DiskWatch, threshold: Int64, supervisor: SessionSupervisor, metrics: MetricsRegistry, log: Logger
    ) {
        self.watch = watch
        self.supervisor = supervisor
        self.metrics = metrics
        self.log = log
        alarm = DiskAlarm(threshold: threshold)
    }

    /// Returns after the first look, so that nobody is let in before it.
    func start() async {
        await look()
        looking = Task {
            while !Task.isCancelled {
                do { try await Task.sleep(for: Self.interval) } catch { return }
                await self.look()
            }
        }
    }

    func stop() {
        looking?.cancel()
        looking = nil
    }

    /// A changed configuration, in force at once.
    func use(threshold: Int64) async {
        alarm.threshold = threshold
        await look()
    }

    private func look() async {
        let look = await watch.look()
        for (label, bytes) in look.free { metrics.set(Metric.diskFree, [label], to: Double(bytes)) }
        switch alarm.measured(look.free) {
        case .nothing: break
        case .nearlyFull(let label, let free):
            log.error(
                "disk nearly full: new conversations are refused",
                metadata: [
                    "folder": "\(label)", "free_mib": "\(free / 1_048_576)",
                    "least_mib": "\(alarm.threshold / 1_048_576)",
                ])
        case .roomAgain: log.notice("disk has room again")
        }
        await supervisor.noteDisk(nearlyFull: alarm.isNearlyFull)
    }
}
