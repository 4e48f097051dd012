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
    /// Where the media listeners of other processes are.
    var addresses: [InstanceID: String] = [:]
    /// The look that all loops wait for which have slept.
    var waking: Task<[(VoiceSession, SessionRecord)]?, Never>?
    nonisolated let lease: InstanceLease
    /// What dead processes on this folder had spooled is in the store.
    private(set) var earlierSpoolsAreSettled = false
    private var isSettlingEarlier = false
    let startedAt: Duration
    private var housekeeping: Task<Void, Never>?
    private var reaping: Task<Void, Never>?

    package init(
        settings: SupervisorSettings, services: SessionServices, loops: [any SessionLoop], log: Logger
    ) {
        self.settings = settings
        self.services = services
        self.loops = loops
        self.log = log
        lease = InstanceLease(
            of: settings.instance, store: services.store, times: settings.leaseTimes, clock: services.leaseClock,
            log: log)
        startedAt = loops.first?.now ?? .zero
    }

    var now: Duration { loops.first?.now ?? .zero }

    /// Settles what earlier processes on this folder have spooled, makes this one known, and begins the housekeeping.
    /// - Parameter mediaAddress: `host:port` at which other processes reach the media listener.
    package func start(mediaAddress: String) async {
        let isKnown = await lease.begin(
            as: NewInstance(
                id: settings.instance, build: settings.build, mediaAddress: mediaAddress, mediaURL: settings.mediaURL,
                capacity: settings.seats.capacity), for: self)
        services.metrics.set(Metric.sessionsCapacity, to: Double(settings.seats.capacity))
        services.metrics.set(Metric.buildInfo, [settings.build], to: 1)
        services.provider.startPrewarming()
        housekeeping = Task { await self.keepHouse() }
        reaping = Task { await self.reapUntilStopped() }
        if isKnown { await settleEarlierSpools() }
    }

    package func stop() async {
        services.provider.stopPrewarming()
        housekeeping?.cancel()
        reaping?.cancel()
        housekeeping = nil
        reaping = nil
        await lease.end()
        await services.spool.close()
    }

    private func keepHouse() async {
        while !Task.isCancelled {
            checkLives(at: now)
            // Reading may go well on a full disk: the ping tries what failed last.
            do throws(StoreError) {
                try await services.store.ping()
                noteStore(up: true)
            } catch {
                noteStore(up: false)
                log.warning("store does not answer", metadata: ["error": "\(error)"])
            }
            do { try await Task.sleep(for: settings.pingInterval) } catch { return }
        }
    }

    func noteStore(up: Bool) {
        storeIsUp = up
        services.metrics.set(Metric.storeUp, to: up ? 1 : 0)
        guard up else { return }
        services.spool.storeAnswers()
        // The store was away at the start.
        if !earlierSpoolsAreSettled, lease.isConfirmed { Task { await settleEarlierSpools() } }
    }

    /// Before anybody is let in: a claim would turn what a dead process had spooled into late records.
    private func settleEarlierSpools() async {
        guard !earlierSpoolsAreSettled, !isSettlingEarlier else { return }
        isSettlingEarlier = true
        earlierSpoolsAreSettled = await services.spool.settleEarlier()
        isSettlingEarlier = false
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
