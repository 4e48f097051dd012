import HeapModule
import InterviewCore
import Logging
import Ports

/// Runs the conversations of one process: admission, the loops they live on, drain, and what operators ask.
///
/// Mailbox
///   in: `admit` (the acceptor), `sessionEnded` (a session, once), `drain`, `skipDrain` (signals, admin socket), the
///       questions of `Control`.
///   out: to each session `detail`, `summary`, `close`, `forceClose`.
///
/// It leaves a conversation's life to `VoiceSession` and stored truth to the store.
package actor SessionSupervisor {
    struct Entry {
        let session: VoiceSession
        let loop: any SessionLoop
        let startedAt: Duration
    }

    /// Changed by a reload; a session keeps what it began with.
    var settings: SupervisorSettings
    var services: SessionServices
    let loops: [any SessionLoop]
    let log: Logger

    var sessions: [SessionID: Entry] = [:]
    /// Sessions whose row is being read for a seat; a second knock on the same door waits for the first.
    var arriving: [SessionID: Task<AdmissionAnswer, Never>] = [:]
    /// Seats given and not yet taken, by the place of their loop in `loops`.
    var reserved: [SessionID: Int] = [:]
    var measured: Measurement?
    /// When each session's life is to be looked at.
    var lives = Heap<LifeCheck>()
    /// Those that failed a short time ago.
    var restarts: [SessionID: RestartPolicy] = [:]
    var drainState: DrainState = .none
    /// Grows with every step of a drain, so that a waiter never sleeps over one.
    var drainGeneration = 0
    var drainWaiters: [CheckedContinuation<Void, Never>] = []
    var storeIsUp = true
    var diskIsNearlyFull = false
    let startedAt: Duration
    private var housekeeping: Task<Void, Never>?

    package init(
        settings: SupervisorSettings, services: SessionServices, loops: [any SessionLoop], log: Logger
    ) {
        self.settings = settings
        self.services = services
        self.loops = loops
        self.log = log
        startedAt = loops.first?.now ?? .zero
    }

    var now: Duration { loops.first?.now ?? .zero }

    /// Settles what an earlier process on this store left behind, then begins the housekeeping.
    package func start() async throws(StoreError) {
        let orphans = try await services.store.interruptOrphans(
            of: settings.instance, defaultRejoin: settings.limits.rejoin)
        if !orphans.isEmpty {
            log.notice("interrupted sessions of an earlier process", metadata: ["count": "\(orphans.count)"])
        }
        services.metrics.set(Metric.sessionsCapacity, to: Double(settings.seats.capacity))
        services.metrics.set(Metric.buildInfo, [settings.build], to: 1)
        services.provider.startPrewarming()
        housekeeping = Task { await self.keepHouse() }
    }

    package func stop() {
        services.provider.stopPrewarming()
        housekeeping?.cancel()
        housekeeping = nil
    }

    /// Ends what is overdue in the store, at most 100 rows a round.
    private func keepHouse() async {
        while !Task.isCancelled {
            checkLives(at: now)
            do {
                // Reading may go well on a full disk: the ping tries what failed last.
                try await services.store.ping()
                for record in try await services.store.endOverdue(limit: 100) {
                    services.metrics.add(Metric.sessionsReaped, [record.completionReason?.rawValue ?? "unknown"])
                    log.info(
                        "session ended by its timer",
                        metadata: [
                            "session": "\(record.id)", "reason": "\(record.completionReason?.rawValue ?? "unknown")",
                        ])
                }
                noteStore(up: true)
            } catch {
                noteStore(up: false)
                log.warning("store does not answer", metadata: ["error": "\(error)"])
            }
            do { try await Task.sleep(for: settings.reapInterval) } catch { return }
        }
    }

    func noteStore(up: Bool) {
        storeIsUp = up
        services.metrics.set(Metric.storeUp, to: up ? 1 : 0)
    }
}

// MARK: - What a session tells
extension SessionSupervisor: SessionKeeper {
    package func sessionEnded(_ id: SessionID, _ session: VoiceSession) {
        guard let entry = sessions[id], entry.session === session else { return }
        sessions[id] = nil
        drainProgressed()
    }
}
