import InterviewCore
import Logging
import Ports

// MARK: - Money of the study
extension VoiceSession {
    /// Asks the study for another step when little of the last one is left. Not while the lease is unconfirmed: the next
    /// bill asks again.
    func topUpIfLow() {
        guard study.budgetMicros != nil, lifecycle.outcome == nil else { return }
        guard !studyIsSpent else { return endWhenSpent() }
        guard reservedMicros < Reservation.low, !isToppingUp, keeper.leaseIsConfirmed,
            let holder = journal?.holder
        else { return }
        isToppingUp = true
        Task {
            // The bills that made it low come first: the store's reservation is what they leave.
            _ = await flushJournal(patience: Self.settlePatience)
            await topUp(as: holder)
            isToppingUp = false
        }
    }

    private func topUp(as holder: Ownership) async {
        do throws(StoreError) {
            switch try await services.store.topUp(id, as: holder) {
            case .granted(let reserved): reservedMicros = reserved
            case .refused: studyHasNoMore()
            }
        } catch .fenced {
            becameFenced()
        } catch {
            log.warning("no money reserved", metadata: ["error": "\(error)"])
        }
    }

    /// What is reserved is enough for a goodbye.
    func studyHasNoMore() {
        guard !studyIsSpent, lifecycle.outcome == nil else { return }
        studyIsSpent = true
        note("study budget spent")
        log.notice("the study's budget has no more for this session")
        if case .wrapUp = lifecycle.budgetNearlySpent() { wrapUp(because: "budget") }
        // Bills may have come while the store was asked.
        endWhenSpent()
    }

    private func endWhenSpent() {
        guard reservedMicros == 0, case .end(let end) = lifecycle.ended(.budgetStudy, detail: nil, at: loop.now)
        else { return }
        finish(end, reaped: true)
    }
}
