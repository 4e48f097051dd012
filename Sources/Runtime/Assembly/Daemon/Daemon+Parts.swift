import EventLoops
import FlightRecording
import InterviewCore
import LocalDisk
import Logging
import OpenAIRealtimeProvider
import Ports
import Sessions
import Settings
import WireFormats

// MARK: - What watches and changes a running daemon
extension Daemon {
    /// A loop that has slept holds still until the store has said whose its conversations are.
    static func guardSleep(
        of loops: [EventLoop], supervisor: SessionSupervisor, metrics: MetricsRegistry, log: Logger
    ) {
        for loop in loops {
            loop.afterSleep = { [unowned loop, weak supervisor] slept in
                guard let supervisor else { return }
                WakeGate.hold(loop, for: supervisor, slept: slept, metrics: metrics, log: log)
            }
        }
    }

    /// Tells the store which conversations earlier processes on this state folder had in hand when they died. What the
    /// store does not take is found again at the next start.
    static func nameSuspects(
        _ configuration: Configuration, store: any Store, metrics: MetricsRegistry, log: Logger
    ) async {
        for flight in DeadFlight.all(in: configuration.stateFolder) {
            guard let suspect = flight.suspect else { continue }
            do throws(StoreError) {
                let result = try await store.suspect(suspect.session)
                flight.remove()
                let word =
                    switch result {
                    case .marked: "marked"
                    case .ended: "ended"
                    case .settled: "settled"
                    }
                metrics.add(Metric.suspects, [word])
                log.error(
                    "an earlier process died with this session in hand",
                    metadata: [
                        "session": "\(suspect.session)", "step": "\(suspect.step.map { "\($0)" } ?? "-")",
                        "instance": "\(suspect.instance)", "result": "\(word)",
                    ])
            } catch {
                log.warning("a suspect could not be named", metadata: ["error": "\(error)"])
            }
        }
    }

    static func diskGuard(
        _ configuration: Configuration, supervisor: SessionSupervisor, metrics: MetricsRegistry, log: Logger
    ) -> DiskGuard {
        DiskGuard(
            watch: DiskWatch(folders: [
                ("state", configuration.stateFolder), ("recordings", configuration.recordingsFolder),
                ("objects", configuration.objectsFolder),
            ]), threshold: configuration.leastFreeBytes, supervisor: supervisor, metrics: metrics, log: log)
    }

    /// Nil without a source.
    static func reloader(
        _ foundations: Foundations, source: ConfigurationSource?, supervisor: SessionSupervisor,
        disk: DiskGuard, provider: OpenAIRealtimeFactory, loops: Int
    ) -> Reloader? {
        guard let source else { return nil }
        let store: any Store = foundations.store
        return Reloader(foundations.configuration, source: source, log: foundations.log) {
            fresh throws(StoreError) in
            let configuration = fresh.configuration
            // First what can fail.
            for study in fresh.studies { try await store.save(study) }
            let settings = supervisorSettings(configuration, loops: loops)
            await supervisor.use(
                LiveSettings(
                    seats: settings.seats, limits: settings.limits,
                    sessionBudgetMicros: settings.sessionBudgetMicros, drainTimeout: settings.drainTimeout,
                    maxOutputTokens: settings.maxOutputTokens, prices: fresh.prices))
            await disk.use(threshold: configuration.leastFreeBytes)
            provider.profile.use(OpenAITurnDetection(configuration.openAI.voiceActivity))
            LogOutput.use(configuration.log.level)
        }
    }
}
