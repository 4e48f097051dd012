import InterviewCore
import Ports

/// Who gets in. `SeatPolicy` decides by what is measured here; nobody waits in a line: an answer takes one read of the
/// session's row, and one of its study for those who are let in.
extension SessionSupervisor: Admission {
    /// What the policy judges by, as of a moment ago.
    struct Measurement {
        var timings: [SeatPolicy.LoopTiming]
        var memoryShare: Double?
        var at: Duration
    }

    /// Measuring sorts the samples of every loop: a burst of joins pays for it once.
    private static let measuresEvery: Duration = .milliseconds(200)

    /// The application of a living owner answers in a few milliseconds; after this it is not waited for any longer.
    static let ownersPatience: Duration = .milliseconds(500)

    package func admit(_ knock: Knock) async -> AdmissionAnswer {
        let answer = await decide(knock)
        if case .refused(let refusal) = answer {
            switch knock.purpose {
            case .join, .relayed: services.metrics.add(Metric.refusals, [refusal.code])
            case .probe, .inquiry: break
            }
        }
        return answer
    }

    private func decide(_ knock: Knock) async -> AdmissionAnswer {
        let claims = knock.claims
        if let entry = sessions[claims.session] {
            if let epoch = claims.epoch, entry.session.isFenced(by: epoch) {
                // Somebody has been told that a later owner exists: it is not ours any more, whatever we believe.
                await entry.session.becameFenced()
                lease.doubt()
            } else {
                // A draining owner goes on with what it has: the door stays open to those who are in already.
                return .welcome(loop: entry.loop, seat: knock.purpose == .inquiry ? NoSeat.shared : entry.session)
            }
        }
        switch knock.purpose {
        case .inquiry, .relayed: return .refused(.notMine)
        case .probe: return await probe(knock)
        case .join: break
        }
        if let task = arriving[claims.session] { return await task.value }
        let task = Task { await self.seat(knock) }
        arriving[claims.session] = task
        let answer = await task.value
        arriving[claims.session] = nil
        return answer
    }

    private func probe(_ knock: Knock) async -> AdmissionAnswer {
        switch await look(knock) {
        case .refused(let refusal): .refused(refusal)
        case .elsewhere(let address): .relay(address: address)
        case .here(_, let place): .welcome(loop: loops[place], seat: NoSeat.shared)
        }
    }

    private enum Finding {
        case here(SessionRecord, place: Int)
        case elsewhere(address: String)
        case refused(Refusal)
    }

    /// In the protocol's order: known (404), another's (relay), not ended (410), draining or full (503). The place is
    /// that of a loop.
    private func look(_ knock: Knock) async -> Finding {
        let record: SessionRecord
        do {
            guard let found = try await services.store.session(knock.claims.session) else {
                return .refused(.unknownSession)
            }
            record = found
            noteStore(up: true)
            if let address = try await whereItRuns(record, knock) { return .elsewhere(address: address) }
        } catch {
            noteStore(up: false)
            return .refused(.storeUnavailable)
        }
        if record.state == .ended { return .refused(.ended) }
        if drainState != .none { return .refused(.draining) }
        guard lease.isConfirmed, earlierSpoolsAreSettled else { return .refused(.storeUnavailable) }
        if record.startedAt == nil {
            if diskIsNearlyFull { return .refused(.disk) }
            if services.spool.isFull { return .refused(.spool) }
        }
        switch settings.seats.arrived(record.startedAt == nil ? .newcomer : .returning, at: load()) {
        case .refuse(let reason): return .refused(Refusal(reason))
        case .seat(let place): return .here(record, place: place)
        }
    }

    /// The owner that the row names is asked whatever state and lease the row shows, an end included: it may be cut off
    /// from the store and still talking. Only the application's word counts. Nil: it runs nowhere else.
    private func whereItRuns(_ record: SessionRecord, _ knock: Knock) async throws(StoreError) -> String? {
        guard let owner = record.ownership.owner, owner != settings.instance,
            let address = try await address(of: owner)
        else { return nil }
        let answer = await services.owners.ask(
            address: address, session: record.id, token: knock.token, patience: Self.ownersPatience)
        return answer == .mine ? address : nil
    }

    private func seat(_ knock: Knock) async -> AdmissionAnswer {
        let claims = knock.claims
        let record: SessionRecord
        let loop: any SessionLoop
        switch await look(knock) {
        case .refused(let refusal): return .refused(refusal)
        case .elsewhere(let address):
            services.metrics.add(Metric.rejoins, ["relayed"])
            return .relay(address: address)
        case .here where claims.scope == .observe: return .refused(.notRunning)
        case .here(let found, let place):
            record = found
            loop = loops[place]
            // From here on the seat is taken: others are judged with it while the study is read.
            reserved[claims.session] = place
        }
        defer { reserved[claims.session] = nil }
        let study: Study
        do {
            guard let found = try await services.store.study(record.study) else { return .refused(.unknownSession) }
            study = found
            guard try await hasBudget(record, of: found) else { return .refused(.studyBudget) }
        } catch { return .refused(.storeUnavailable) }
        guard drainState == .none else { return .refused(.draining) }
        let session = VoiceSession(
            record: record, study: study, loop: loop, services: services, settings: settings, keeper: self,
            log: log)
        sessions[claims.session] = Entry(session: session, loop: loop, startedAt: now)
        watchLife(of: claims.session, session, in: settings.limits(for: study).hardLimit)
        reserved[claims.session] = nil
        await session.begin()
        return .welcome(loop: loop, seat: session)
    }

    /// A first look, so that most are refused at the door; the claim reserves, and decides.
    private func hasBudget(_ record: SessionRecord, of study: Study) async throws(StoreError) -> Bool {
        guard study.budgetMicros != nil, record.reservedMicros == 0,
            let ledger = try await services.store.ledger(of: study.id)
        else { return true }
        return ledger.hasRoom
    }

    // MARK: Load

    /// What is seated or about to be, and what was last measured.
    func load() -> SeatPolicy.Load {
        var counts: [Int: Int] = [:]
        for entry in sessions.values { counts[entry.loop.index, default: 0] += 1 }
        for place in reserved.values { counts[loops[place].index, default: 0] += 1 }
        let measurement = measure()
        return SeatPolicy.Load(
            seated: loops.map { counts[$0.index] ?? 0 }, timings: measurement.timings,
            memoryShare: measurement.memoryShare)
    }

    private func measure() -> Measurement {
        let now = now
        if let measured, now - measured.at < Self.measuresEvery { return measured }
        let fresh = Measurement(
            timings: loops.map(services.loopTiming), memoryShare: services.memoryShare(), at: now)
        measured = fresh
        return fresh
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
    func abandon(_ end: TransportEnd) {}
}

extension Refusal {
    static let unknownSession = Refusal(
        status: 404, code: "unknown_session", message: "There is no such session. Check the link.")
    static let ended = Refusal(status: 410, code: "ended", message: "This session has ended.")
    static let draining = Refusal(
        status: 503, code: "draining", message: "This process is being replaced. Try again.", retryAfterSeconds: 1)
    static let storeUnavailable = Refusal(
        status: 503, code: "store_unavailable", message: "The store does not answer. Try again.", retryAfterSeconds: 2)
    static let notMine = Refusal(
        status: 421, code: "not_mine", message: "Another process runs this session, or none does.")
    static let spool = Refusal(
        status: 503, code: SessionSupervisor.spoolReason,
        message: "There is no room to keep another interview safe. Try again.", retryAfterSeconds: 30)
    static let studyBudget = Refusal(
        status: 503, code: "study_budget", message: "This study's budget is spent. Ask whoever invited you.",
        retryAfterSeconds: 60)
    static let notRunning = Refusal(
        status: 503, code: "not_running", message: "Nobody is in this session yet.", retryAfterSeconds: 3)

    /// `Retry-After` follows what has to pass: a conversation's end, the window of the lag, memory given back.
    init(_ reason: SeatPolicy.Reason) {
        switch reason {
        case .full:
            self.init(
                status: 503, code: reason.rawValue, message: "All seats are taken. Try again in a moment.",
                retryAfterSeconds: 5)
        case .loopLag:
            self.init(
                status: 503, code: reason.rawValue, message: "This process cannot keep time. Try again in a moment.",
                retryAfterSeconds: 3)
        case .memory:
            self.init(
                status: 503, code: reason.rawValue, message: "Memory is short here. Try again in a moment.",
                retryAfterSeconds: 5)
        }
    }
}
