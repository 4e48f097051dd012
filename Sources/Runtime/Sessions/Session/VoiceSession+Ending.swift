import InterviewCore
import Logging
import Ports

// MARK: - Ends
extension VoiceSession {
    /// How long the end may wait for a store that is away before the process gives up on it.
    static let settlePatience: Duration = .seconds(20)

    /// The lifecycle has decided: the participant is told at once, everything else is written behind it.
    func finish(_ end: EndEntry, reaped: Bool = false) {
        note("ended: \(end.reason.rawValue)")
        tell("session ends", reason: end.reason.rawValue, detail: end.reason == .adminClosed ? nil : end.detail)
        if reaped { services.metrics.add(Metric.sessionsReaped, [end.reason.rawValue]) }
        closeForGood(end)
        // Without a row yet, the claim that is on its way settles it when it returns.
        guard journal != nil else { return }
        Task { await self.settle(end) }
    }

    /// The participant is told, and every line closed.
    func closeForGood(_ end: EndEntry) {
        closeLines(at: loop.now)
        broadcast(.bye(reason: end.reason.rawValue, rejoinInMilliseconds: nil))
        transport?.close(.ended, reason: end.reason.rawValue)
        transport = nil
        closeObservers()
    }

    /// Ends the row with its journal, recording and metrics.
    func settle(_ end: EndEntry) async {
        handRemainingTurns()
        noteRecording()
        let position = recordingPosition(at: loop.now)
        _ = await flushJournal(patience: flushPatience)
        await recorder?.finish(at: position)
        if recorder?.failed == true { services.metrics.add(Metric.recordingFailures) }
        await rowUpdate?.value
        if let sequence = journal?.takeSequence() {
            await handOver(
                .ended(
                    end, sequence: sequence,
                    activeMilliseconds: Int64(lifecycle.activeTime(at: loop.now) / .milliseconds(1)),
                    costMicros: budget.spentMicros))
        }
        let name = services.provider.name
        services.metrics.observe(
            Metric.sessionDuration, [name, end.reason.rawValue], lifecycle.activeTime(at: loop.now) / .seconds(1))
        services.metrics.observe(Metric.sessionCost, [name], Double(budget.spentMicros) / 1_000_000)
        await leave()
    }

    func abandonSeat() {
        stopTicking()
        closeObservers()
        Task { await self.leave() }
    }

    /// The last step of every way out.
    func leave() async {
        guard !hasLeft else { return }
        hasLeft = true
        flight.left()
        rest(until: nil)
        await keeper.sessionEnded(id, self)
        let waiters = endWaiters
        endWaiters.removeAll()
        for waiter in waiters { waiter.resume() }
    }

    func closeObservers() {
        for observer in observers { observer.close(.ended, reason: "ended") }
        observers.removeAll()
    }

    func closeLines(at now: Duration) {
        stopTicking()
        stopDownlink(at: now)
        closeProvider()
    }

    /// All its connections. An answer that runs is charged by what was heard of it, where the journal is still ours.
    func closeProvider(billing: Bool = true) {
        dropSuccessor()
        if !billing { predecessor?.unbilled = nil }
        closePredecessor()
        let unbilled = billing ? answer : nil
        answer = nil
        provider?.close()
        provider = nil
        providerIsReady = false
        if let unbilled { chargeEstimate(of: unbilled) }
    }

    func handRemainingTurns() {
        for turn in ledger.due(at: loop.now) + ledger.close() {
            spoken.append(turn)
            append(.turn(turn))
        }
    }
}

// MARK: - The supervisor asks
extension VoiceSession {
    /// `voicectl close`. False when it was over already.
    func close(detail: String?) async -> Bool { closed(detail: detail) }

    func closed(detail: String?) -> Bool {
        guard case .end(let end) = lifecycle.ended(.adminClosed, detail: detail, at: loop.now) else { return false }
        finish(end)
        if journal == nil, !isClaiming { abandonSeat() }
        return true
    }

    /// Gives the conversation up for whoever continues it, and returns when everything is written.
    func forceClose() async {
        if lifecycle.outcome == nil {
            let now = loop.now
            note("force-closed")
            guard lifecycle.released(at: now) else { return await waitForEnd() }
            switch lifecycle.outcome {
            case .ended(let end): finish(end)
            case .abandoned:
                transport?.close(.restart, reason: "restart")
                transport = nil
                abandonSeat()
            case .released, .takenOver, nil: release(at: now)
            }
        }
        await waitForEnd()
    }

    /// A drain's first step: nobody is here to be disturbed.
    func releaseIfAlone() async {
        guard transport == nil else { return }
        switch lifecycle.state {
        case .suspended, .openingAlone: await forceClose()
        case .waiting, .opening, .live, .farewell, .over: break
        }
    }

    func release(at now: Duration) {
        tell("session released", reason: "restart", detail: nil)
        closeLines(at: now)
        broadcast(.bye(reason: "restart", rejoinInMilliseconds: 500))
        transport?.close(.restart, reason: "restart")
        transport = nil
        closeObservers()
        guard journal != nil else { return }
        Task { await self.settleRelease() }
    }

    func settleRelease() async {
        handRemainingTurns()
        noteRecording()
        let position = recordingPosition(at: loop.now)
        _ = await flushJournal(patience: flushPatience)
        await recorder?.finish(at: position)
        await rowUpdate?.value
        await handOver(
            .released(
                rejoinWindow: lifecycle.limits.rejoin,
                activeMilliseconds: Int64(lifecycle.activeTime(at: loop.now) / .milliseconds(1)),
                costMicros: budget.spentMicros))
        await leave()
    }

    private func waitForEnd() async {
        guard !hasLeft else { return }
        await withCheckedContinuation { endWaiters.append($0) }
    }
}
