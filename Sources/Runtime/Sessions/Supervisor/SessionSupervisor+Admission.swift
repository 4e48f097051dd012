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
        case .failure(let refusal): .refused(refusal)
        case .success(let (_, place)): .welcome(loop: loops[place], seat: NoSeat.shared)
        }
    }

    /// In the protocol's order: known (404), not ended (410), draining or full (503). The place is that of a loop.
    private func look(_ id: SessionID) async -> Result<(SessionRecord, place: Int), Refusal> {
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
        if diskIsNearlyFull, record.startedAt == nil { return .failure(.disk) }
        switch settings.seats.arrived(record.startedAt == nil ? .newcomer : .returning, at: load()) {
        case .refuse(let reason): return .failure(Refusal(reason))
        case .seat(let place): return .success((record, place))
        }
    }

    private func seat(_ claims: TokenClaims) async -> AdmissionAnswer {
        if claims.scope == .observe { return .refused(.notRunning) }
        let record: SessionRecord
        let loop: any SessionLoop
        switch await look(claims.session) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let (found, place)):
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
