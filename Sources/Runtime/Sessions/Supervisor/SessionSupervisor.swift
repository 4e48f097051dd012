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

    let settings: SupervisorSettings
    let services: SessionServices
    let loops: [any SessionLoop]
    let log: Logger

    var sessions: [SessionID: Entry] = [:]
    /// Sessions whose row is being read for a seat; a second knock on the same door waits for the first.
    var arriving: [SessionID: Task<AdmissionAnswer, Never>] = [:]
    var drainState: DrainState = .none
    /// Grows with every step of a drain, so that a waiter never sleeps over one.
    var drainGeneration = 0
    var drainWaiters: [CheckedContinuation<Void, Never>] = []
    var storeIsUp = true
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
        services.metrics.set(Metric.sessionsCapacity, to: Double(settings.capacity))
        services.metrics.set(Metric.buildInfo, [settings.build], to: 1)
        housekeeping = Task { await self.keepHouse() }
    }

    package func stop() {
        housekeeping?.cancel()
        housekeeping = nil
    }

    /// Ends what is overdue in the store, at most 100 rows a round.
    private func keepHouse() async {
        while !Task.isCancelled {
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

// MARK: - Admission
extension SessionSupervisor: Admission {
    package func admit(_ claims: TokenClaims, probing: Bool) async -> AdmissionAnswer {
        let answer = await decide(claims, probing: probing)
        if case .refused(let refusal) = answer, !probing {
            services.metrics.add(Metric.refusals, [refusal.code])
        }
        return answer
    }

    private func decide(_ claims: TokenClaims, probing: Bool) async -> AdmissionAnswer {
        if let entry = sessions[claims.session] {
            // A draining owner goes on with what it has: the door stays open to those who are in already.
            return .welcome(loop: entry.loop, seat: entry.session)
        }
        if let task = arriving[claims.session] { return await task.value }
        if probing { return await probe(claims) }
        let task = Task { await self.seat(claims) }
        arriving[claims.session] = task
        let answer = await task.value
        arriving[claims.session] = nil
        return answer
    }

    private func probe(_ claims: TokenClaims) async -> AdmissionAnswer {
        switch await look(claims.session) {
        case .failure(let refusal): return .refused(refusal)
        case .success:
            guard let loop = loops.first else { return .refused(.full) }
            return .welcome(loop: loop, seat: NoSeat.shared)
        }
    }

    /// In the protocol's order: known (404), not ended (410), draining or full (503).
    private func look(_ id: SessionID) async -> Result<SessionRecord, Refusal> {
        let record: SessionRecord
        do {
            guard let found = try await services.store.session(id) else { return .failure(.unknownSession) }
            record = found
            noteStore(up: true)
        } catch {
            noteStore(up: false)
            return .failure(.storeUnavailable)
        }
        if record.state == .ended { return .failure(.ended) }
        if drainState != .none { return .failure(.draining) }
        if sessions.count + arriving.count > settings.capacity { return .failure(.full) }
        return .success(record)
    }

    private func seat(_ claims: TokenClaims) async -> AdmissionAnswer {
        if claims.scope == .observe { return .refused(.notRunning) }
        let record: SessionRecord
        switch await look(claims.session) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let found): record = found
        }
        let study: Study
        do {
            guard let found = try await services.store.study(record.study) else { return .refused(.unknownSession) }
            study = found
        } catch { return .refused(.storeUnavailable) }
        guard drainState == .none else { return .refused(.draining) }
        guard let loop = emptiestLoop() else { return .refused(.full) }
        let session = VoiceSession(
            record: record, study: study, loop: loop, services: services, settings: settings, keeper: self,
            log: log)
        sessions[claims.session] = Entry(session: session, loop: loop, startedAt: now)
        await session.begin()
        return .welcome(loop: loop, seat: session)
    }

    private func emptiestLoop() -> (any SessionLoop)? {
        var counts: [Int: Int] = [:]
        for entry in sessions.values { counts[entry.loop.index, default: 0] += 1 }
        return loops.min { counts[$0.index, default: 0] < counts[$1.index, default: 0] }
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

/// Answers a probe: nobody sits down.
private final class NoSeat: TransportSeat {
    static let shared = NoSeat()
    func take(
        _ transport: any ParticipantTransport, hello: Hello, claims: TokenClaims
    ) -> (any TransportEvents)? {
        transport.close(.tryAgainLater, reason: "probe")
        return nil
    }
    func abandon() {}
}

extension Refusal {
    static let unknownSession = Refusal(
        status: 404, code: "unknown_session", message: "There is no such session. Check the link.")
    static let ended = Refusal(status: 410, code: "ended", message: "This session has ended.")
    static let draining = Refusal(
        status: 503, code: "draining", message: "This process is being replaced. Try again.", retryAfterSeconds: 1)
    static let full = Refusal(
        status: 503, code: "full", message: "All seats are taken. Try again in a moment.", retryAfterSeconds: 5)
    static let storeUnavailable = Refusal(
        status: 503, code: "store_unavailable", message: "The store does not answer. Try again.", retryAfterSeconds: 2)
    static let notRunning = Refusal(
        status: 503, code: "not_running", message: "Nobody is in this session yet.", retryAfterSeconds: 3)
}
