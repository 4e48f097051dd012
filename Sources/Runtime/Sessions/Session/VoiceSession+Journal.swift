import InterviewCore
import Logging
import Ports
import Synchronization

// MARK: - Taking the row
extension VoiceSession {
    /// Takes the row in the store, reads what was said before, opens the provider and welcomes.
    func claim(for client: String) {
        isClaiming = true
        Task {
            await self.claimAndOpen(for: client)
            self.isClaiming = false
        }
    }

    private func claimAndOpen(for client: String) async {
        guard let row = await claimRow(for: client) else { return }
        record = row
        reservedMicros = row.reservedMicros
        journal = JournalQueue(session: id, holder: record.ownership)
        heldEpoch.store(record.ownership.epoch, ordering: .releasing)
        guard lifecycle.outcome == nil else { return await settleClaimAfterEnd() }
        let history: [JournalRecord]
        do {
            // Read after the claim has committed: nothing is appended behind a claimer's back.
            history = isContinued ? try await services.store.journal(of: id) : []
        } catch {
            log.warning("journal cannot be read", metadata: ["error": "\(error)"])
            turnAway()
            if lifecycle.released(at: loop.now) { await settleRelease() }
            return
        }
        guard lifecycle.outcome == nil else { return await settleClaimAfterEnd() }
        let reference = resume(from: history)
        claimedResendFrom = reference?.timestamp
        recorder = services.recorders.open(
            session: id.text, epoch: record.ownership.epoch, startingAt: recordingPosition(at: loop.now))
        log.info(
            isContinued ? "session continues" : "session begins",
            metadata: [
                "epoch": "\(record.ownership.epoch)", "loop": "\(loop.index)", "study": "\(study.id)",
                "language": "\(study.language)",
            ])
        if isContinued {
            services.metrics.add(Metric.rejoins, ["claimed"])
            services.recorders.collectLeftBehind(of: id.text)
        }
        // Money that earlier owners spent may be all there is.
        act(on: budget.resumed())
        topUpIfLow()
        guard lifecycle.outcome == nil else { return }
        openProvider()
        lineUp(resumed: isContinued, reference: reference, at: loop.now)
        if transport == nil {
            update(.disconnected(activeMilliseconds: Int64(lifecycle.activeTime(at: loop.now) / .milliseconds(1))))
        }
        welcome(resumed: isContinued)
        startTicking()
    }

    /// A row that is locked is tried again so often; each try waits 500 ms at most.
    private static let claimAttempts = 6

    /// One conditional UPDATE, only while the one who asked is still there, and only while our own lease holds. Nil: it
    /// is not ours, and everybody has been told.
    private func claimRow(for client: String) async -> SessionRecord? {
        for attempt in 1... {
            guard transport != nil else {
                giveUp()
                return nil
            }
            guard keeper.leaseIsConfirmed else { break }
            do throws(StoreError) {
                switch try await services.store.claim(
                    id, expecting: record.ownership, by: settings.instance, client: client)
                {
                case .claimed(let row): return row
                case .lost(let row): claimLost(to: row)
                case .unknown: claimLost(to: nil)
                case .leaseLapsed:
                    turnAway()
                    giveUp()
                case .studyBudget: refusedByBudget()
                }
                return nil
            } catch .unavailable(code: "lock_timeout") where attempt < Self.claimAttempts {
                continue
            } catch {
                log.warning("claim failed", metadata: ["error": "\(error)"])
                // It may have committed: the row would name us for nobody.
                keeper.doubtOwnership()
                break
            }
        }
        turnAway()
        giveUp()
        return nil
    }

    private func refusedByBudget() {
        services.metrics.add(Metric.refusals, [Refusal.studyBudget.code])
        transport?.send(.error(code: Refusal.studyBudget.code, message: Refusal.studyBudget.message))
        transport?.close(.tryAgainLater, reason: Refusal.studyBudget.code)
        transport = nil
        giveUp()
    }

    /// The conversation's clock goes on where the last owner's turns ended.
    /// - Returns: the end of this page load's last committed turn, from which it sends again.
    private func resume(from history: [JournalRecord]) -> CapturePoint? {
        var before = record.activeMilliseconds
        var spentBefore: Int64 = 0
        var responses: [String] = []
        for line in history {
            switch line.entry {
            case .turn(let turn):
                spoken.append(turn)
                before = max(before, turn.endMilliseconds)
            case .usage(let entry):
                spentBefore += entry.micros
                costs.add(entry)
                responses.append(entry.response)
            case .phase, .end, .note: break
            }
        }
        budget = BudgetMeter(limitMicros: budget.limitMicros, spentMicros: spentBefore, responses: responses)
        let now = loop.now
        beganAt = now - .milliseconds(before)
        let lastTurn = spoken.last { $0.speaker == .participant }
        uplink.begin(
            at: now, position: before * AudioUnits.perMillisecond,
            reached: (lastTurn?.endMilliseconds ?? before) * AudioUnits.perMillisecond)
        guard let client, let here = spoken.last(where: { $0.speaker == .participant && $0.client == client }),
            let end = here.captureEnd
        else { return nil }
        return CapturePoint(
            client: client, timestamp: end, position: here.endMilliseconds * AudioUnits.perMillisecond)
    }

    /// Somebody has run this conversation before us, even if nothing of it was committed.
    private var isContinued: Bool { record.ownership.epoch > 1 }

    /// The store is away: the client tries again in a moment.
    private func turnAway() {
        transport?.send(.error(code: "store_unavailable", message: "The store does not answer. Try again."))
        transport?.close(.tryAgainLater, reason: "store unavailable")
        transport = nil
    }

    func claimLost(to row: SessionRecord?) {
        if let row, row.state != .ended {
            // Somebody was faster; the client finds them by the general address.
            transport?.close(.restart, reason: "claimed elsewhere")
        } else {
            transport?.send(.bye(reason: "ended", rejoinInMilliseconds: nil))
            transport?.close(.ended, reason: "ended")
        }
        transport = nil
        giveUp()
    }

    /// Nothing of the row is ours: the seat is let go without a trace.
    func giveUp() {
        guard lifecycle.takenOver(at: loop.now) else { return }
        closeObservers()
        Task { await self.leave() }
    }

    /// It ended while the claim was on its way: the row is ours to settle.
    private func settleClaimAfterEnd() async {
        switch lifecycle.outcome {
        case .ended(let end): await settle(end)
        case .released: await settleRelease()
        case .abandoned, .takenOver, nil: await leave()
        }
    }
}

// MARK: - Turns and money
extension VoiceSession {
    func settleTurns(at now: Duration) {
        for turn in ledger.due(at: now) { hand(turn) }
    }

    private func hand(_ turn: Turn) {
        spoken.append(turn)
        append(.turn(turn))
    }

    /// - Parameter estimated: the bill has not come and will not.
    func charge(_ usage: Usage, model: String, response: String, estimated: Bool = false) {
        let micros: Int64
        do { micros = try services.prices.cost(of: usage, model: model) } catch {
            // Checked at start for every configured model: a model without a price never opens a session.
            log.error("usage of a model without a price", metadata: ["model": "\(model)"])
            return
        }
        let entry = UsageEntry(
            provider: services.provider.name, model: model, response: response, usage: usage, micros: micros,
            estimated: estimated)
        let answer = budget.spent(micros, response: response)
        if answer == .counted { return }
        costs.add(entry)
        append(.usage(entry))
        reservedMicros = max(0, reservedMicros - micros)
        topUpIfLow()
        for observer in observers { observer.send(.cost(micros: budget.spentMicros)) }
        act(on: answer)
    }

    private func act(on answer: BudgetMeter.OnSpent) {
        switch answer {
        case .fine, .counted: break
        case .wrapUp: if case .wrapUp = lifecycle.budgetNearlySpent() { wrapUp(because: "budget") }
        case .end:
            if case .end(let end) = lifecycle.ended(.budgetSession, detail: nil, at: loop.now) {
                finish(end, reaped: true)
            }
        }
    }

    func append(_ entry: JournalEntry) {
        guard journal != nil else { return }
        journal?.append(entry)
        services.metrics.add(Metric.journalWaiting, by: 1)
        if journal?.isFull == true, case .end(let end) = lifecycle.ended(.error, detail: "journal_full", at: loop.now) {
            finish(end)
            return
        }
        if journalFailures > 0 { Task { await copyToSpool() } }
        commit()
    }

    /// One commit at a time; what comes in meanwhile goes with the next. Nothing once another holds the row.
    func commit() {
        guard !isFenced, let holder = journal?.holder, let batch = journal?.beginCommit() else { return }
        Task { await self.write(batch, as: holder) }
    }

    private func write(_ batch: [JournalRecord], as holder: Ownership) async {
        do {
            try await services.store.append(batch, as: holder)
            journal?.committed(batch.count)
            services.metrics.add(Metric.journalWaiting, by: -Double(batch.count))
            await storeTookJournal()
            commit()
        } catch {
            journal?.commitFailed()
            await recover(from: error)
        }
        wakeJournalWaiters()
    }

    private func storeTookJournal() async {
        if journalFailures > 0 {
            journalFailures = 0
            note("store back")
            if spoolIsIncomplete {
                spoolIsIncomplete = false
                append(.note(NoteEntry(what: "spool_full")))
            }
        }
        // Not with the first commit only: it may leave some behind.
        guard hasSpooledCopies, journal?.spooled == 0 else { return }
        hasSpooledCopies = false
        await services.spool.committed(id)
    }

    private func recover(from error: StoreError) async {
        switch error {
        case .fenced, .notFound: becameFenced()
        case .conflict, .corrupt:
            log.error("journal refused a record", metadata: ["error": "\(error)"])
            let dropped = journal?.takeAll().count ?? 0
            services.metrics.add(Metric.journalWaiting, by: -Double(dropped))
            services.metrics.add(Metric.journalRefused, by: Double(dropped))
            fail("journal")
        case .unavailable(let code):
            journalFailures += 1
            if journalFailures == 1 {
                log.warning("store does not take the journal; the call goes on", metadata: ["code": "\(code)"])
                note("store away: \(code)")
            }
            await copyToSpool()
            await pause(min(.milliseconds(100) * (1 << min(journalFailures, 5)), .seconds(3)))
            commit()
        }
    }

    /// A kill while the store is away must not cost what was said.
    func copyToSpool() async {
        guard journalFailures > 0, let holder = journal?.holder, let records = journal?.takeUnspooled(),
            !records.isEmpty
        else { return }
        hasSpooledCopies = true
        if await !services.spool.keep(records, as: holder) { spoolIsIncomplete = true }
    }

    /// Waits until everything that was appended is in the store, or `patience` is over.
    /// - Returns: true when nothing is left.
    func flushJournal(patience: Duration) async -> Bool {
        let deadline = loop.now + patience
        while let journal, journal.count > 0 {
            commit()
            guard !isFenced, loop.now < deadline else { return false }
            await waitForJournal(until: deadline)
        }
        return true
    }

    func waitForJournal(until deadline: Duration) async {
        var alarm: LoopTimer?
        await withCheckedContinuation { continuation in
            journalWaiters.append(continuation)
            alarm = loop.schedule(at: deadline) { [self] in assumeIsolated { $0.wakeJournalWaiters() } }
        }
        // An alarm that stays holds the session, with codecs and sound, for the rest of the patience.
        if let alarm { loop.cancel(alarm) }
    }

    func wakeJournalWaiters() {
        let waiters = journalWaiters
        journalWaiters.removeAll()
        for waiter in waiters { waiter.resume() }
    }

    /// Sleeps by the loop's own clock.
    func pause(_ time: Duration) async {
        await withCheckedContinuation { continuation in
            _ = loop.schedule(at: loop.now + time) { continuation.resume() }
        }
    }

    /// A change of the row that nothing waits for; one at a time, in order.
    func update(_ change: SessionChange) {
        guard let holder = journal?.holder else { return }
        let earlier = rowUpdate
        rowUpdate = Task {
            await earlier?.value
            do throws(StoreError) { try await services.store.update(id, as: holder, change) } catch .fenced {
                becameFenced()
            } catch {
                log.warning("row not updated", metadata: ["error": "\(error)"])
            }
        }
    }
}
