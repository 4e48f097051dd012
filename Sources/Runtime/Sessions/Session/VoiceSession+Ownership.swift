import InterviewCore
import Logging
import Ports
import Synchronization

// MARK: - Whose it is
extension VoiceSession {
    /// A token of that epoch was made by a later owner than we are.
    nonisolated func isFenced(by epoch: Int64) -> Bool {
        let held = heldEpoch.load(ordering: .acquiring)
        return held > 0 && epoch > held
    }

    /// The row as the store has it, compared with what we hold. A row that was read before our own claim says nothing.
    func settle(against row: SessionRecord) {
        guard let holder = journal?.holder, lifecycle.outcome == nil,
            row.ownership.epoch >= holder.epoch
        else { return }
        guard row.ownership == holder else { return takenOver(by: row.client) }
        switch row.state {
        case .active: if let request = row.closeRequest { _ = closed(detail: request.isEmpty ? nil : request) }
        case .interrupted: takeBack()
        case .ended:
            // A reaper's end is taken back for those who talk; whoever was gone before stays gone.
            let isReapers = row.completionReason == .interrupted || row.completionReason == .participantLeft
            if isReapers, transport != nil { takeBack() } else { endedElsewhere(row) }
        case .scheduled: break
        }
    }

    private func takeBack() {
        guard let holder = journal?.holder else { return }
        Task {
            do throws(StoreError) {
                switch try await services.store.takeBack(id, as: holder) {
                case .unchanged: break
                case .taken(let row): tookBack(row)
                case .takenWithoutBudget(let row):
                    tookBack(row)
                    studyHasNoMore()
                }
            } catch .fenced {
                becameFenced()
            } catch {
                log.warning("row not taken back", metadata: ["error": "\(error)"])
                keeper.doubtOwnership()
            }
        }
    }

    private func tookBack(_ row: SessionRecord) {
        note("row taken back")
        log.notice("a row that others had given up is taken back")
        services.metrics.add(Metric.rejoins, ["taken_back"])
        reservedMicros = row.reservedMicros
    }

    /// Somebody ended it for good while it was ours: an operator, or a process that found it deadly.
    private func endedElsewhere(_ row: SessionRecord) {
        let reason = row.completionReason ?? .error
        guard case .end(let end) = lifecycle.ended(reason, detail: row.completionDetail, at: loop.now) else { return }
        log.notice("ended by another process", metadata: ["reason": "\(reason.rawValue)"])
        closeForGood(end)
        Task { await self.settleWithoutEnd() }
    }

    // MARK: Lost

    /// The store or a token says that the row is not ours, so it is read: another owner's means that we let go, an end by a
    /// reaper is taken back like any other. Nothing is committed meanwhile.
    func becameFenced() {
        guard !isFenced else { return }
        isFenced = true
        guard lifecycle.outcome == nil else { return }
        Task {
            let row = try? await services.store.session(id)
            guard let row, row.ownership == journal?.holder else { return takenOver(by: row?.client) }
            isFenced = false
            settle(against: row)
            commit()
        }
    }

    /// Another process owns the conversation. What we had not committed is kept as late records.
    /// - Parameter newClient: the page load that joined there; nil: not known.
    func takenOver(by newClient: String?) {
        isFenced = true
        let now = loop.now
        guard lifecycle.outcome == nil else { return }
        closeLines(at: now)
        handRemainingTurns()
        guard lifecycle.takenOver(at: now) else { return }
        note("taken over")
        log.notice("taken over by another owner")
        // This very person still wants to talk, unless another page load of theirs has taken the conversation.
        let isElsewhere = newClient != nil && newClient != client
        transport?.close(isElsewhere ? .joinedElsewhere : .restart, reason: "taken over")
        transport = nil
        closeObservers()
        Task {
            let position = recordingPosition(at: loop.now)
            await recorder?.finish(at: position)
            await handOver(nil, fenced: true)
            await leave()
        }
    }
}

// MARK: - The rest
extension VoiceSession {
    /// Everything that has not reached the store goes to it now, or to where it waits for it.
    func handOver(_ change: SessionChange?, fenced: Bool = false) async {
        guard let holder = journal?.holder else { return }
        // Never two transactions of one session at a time.
        while journal?.isCommitting == true { await waitForJournal(until: loop.now + .seconds(1)) }
        let rest = journal?.takeAll() ?? []
        services.metrics.add(Metric.journalWaiting, by: -Double(rest.count))
        await services.spool.leave(
            Leftover(session: id, holder: holder, records: rest, change: change, isFenced: fenced || isFenced))
    }

    /// The row has its end already: journal and recording get theirs.
    func settleWithoutEnd() async {
        handRemainingTurns()
        noteRecording()
        let position = recordingPosition(at: loop.now)
        _ = await flushJournal(patience: flushPatience)
        await recorder?.finish(at: position)
        await rowUpdate?.value
        await handOver(nil)
        await leave()
    }

    /// A store that is known to be away is not waited for: the spool is there.
    var flushPatience: Duration { journalFailures > 0 ? .zero : Self.settlePatience }
}
