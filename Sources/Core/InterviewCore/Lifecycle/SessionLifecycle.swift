/// Decides what happens to one conversation on the process that owns it: every event in the past tense, one small
/// answer each, time handed in (monotonic). Does no I/O: the session actor performs the answers.
///
/// It leaves turn-taking and audio to others (`TurnLedger`, `Playout`, `UplinkTimeline`) and the stored row to the
/// store; its states are finer than `sessions.state`, which is `active` through all of them but the last two.
package struct SessionLifecycle: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        /// Admission has kept a seat. Leaves to `opening` on the first `hello`, to `over` when nobody says it.
        case waiting(until: Duration)
        /// A provider is being opened; a participant is there. Leaves to `live`, `openingAlone`, `over`.
        case opening(patienceUntil: Duration)
        /// The same while the participant is away. Leaves to `opening`, `suspended`, `over`.
        case openingAlone(patienceUntil: Duration, awaySince: Duration)
        /// They talk. Leaves to `suspended`, `opening` (provider lost), `farewell`, `over`.
        case live
        /// The participant is away, the provider waits. Leaves to `live`, `openingAlone`, `over`.
        case suspended(since: Duration)
        /// The end is decided, the last words play out. Leaves to `over`.
        case farewell(EndEntry, until: Duration)
        /// Everything is being written and closed; nothing leads out.
        case over(Outcome)
    }

    /// How this process lets go of the session.
    package enum Outcome: Equatable, Sendable {
        /// Nobody ever came to the seat: the row was never claimed.
        case abandoned
        case ended(EndEntry)
        /// Given up for another process (or this one's next start) to continue: `interrupted`.
        case released
        /// Another process owns it: nothing may be written any more.
        case takenOver
    }

    package private(set) var state: State
    package let limits: LifecycleLimits

    /// Active time that earlier owners used up.
    private let activeBefore: Duration
    /// When the present stretch of active time began; nil while nobody is there.
    private var activeSince: Duration?
    private var activeHere: Duration = .zero
    private var lastHeard: Duration
    private var askedStillThere = false
    private var wrapUpBegun = false
    private var wrapUpIsOwed = false
    private var greeted = false

    /// - Parameter resumed: the conversation has begun earlier, so no greeting is owed.
    package init(limits: LifecycleLimits, activeBefore: Duration, resumed: Bool, at now: Duration) {
        self.limits = limits
        self.activeBefore = activeBefore
        state = .waiting(until: now + limits.seat)
        lastHeard = now
        greeted = resumed
    }

    /// Active time over all owners.
    package func activeTime(at now: Duration) -> Duration {
        activeBefore + activeHere + (activeSince.map { now - $0 } ?? .zero)
    }

    package func remaining(at now: Duration) -> Duration {
        max(.zero, limits.hardLimit - activeTime(at: now))
    }

    package var isWrappingUp: Bool {
        if case .farewell = state { return true }
        return wrapUpBegun
    }

    package var outcome: Outcome? {
        if case .over(let outcome) = state { return outcome }
        return nil
    }
}

// MARK: - The participant
extension SessionLifecycle {
    package enum OnParticipantJoined: Equatable, Sendable {
        /// First one here: claim the row, open a provider, then welcome.
        case open
        /// The conversation runs (or its provider is on its way): welcome at once.
        case resume
        /// It is over: close with 1000.
        case refuse
    }

    package mutating func participantJoined(at now: Duration) -> OnParticipantJoined {
        switch state {
        case .waiting:
            startClock(at: now)
            state = .opening(patienceUntil: now + limits.providerPatience)
            return .open
        case .openingAlone(let patienceUntil, _):
            startClock(at: now)
            state = .opening(patienceUntil: patienceUntil)
            return .resume
        case .suspended:
            startClock(at: now)
            state = .live
            return .resume
        case .opening, .live, .farewell: return .resume
        case .over: return .refuse
        }
    }

    package enum OnParticipantLost: Equatable, Sendable {
        /// Keep the provider, freeze playout, note `disconnected_at`.
        case suspend
        case end(EndEntry)
        case nothing
    }

    package mutating func participantLost(at now: Duration) -> OnParticipantLost {
        switch state {
        case .opening(let patienceUntil):
            stopClock(at: now)
            state = .openingAlone(patienceUntil: patienceUntil, awaySince: now)
            return .suspend
        case .live:
            stopClock(at: now)
            state = .suspended(since: now)
            return .suspend
        case .farewell(let end, _):
            // Nobody is left to hear the last words.
            return .end(finish(end, at: now))
        case .waiting, .openingAlone, .suspended, .over: return .nothing
        }
    }

    package enum OnEnd: Equatable, Sendable {
        case end(EndEntry)
        case nothing
    }

    /// The participant said `leave`.
    package mutating func participantLeft(at now: Duration) -> OnEnd {
        switch state {
        case .opening, .live:
            return .end(finish(EndEntry(reason: .participantLeft, detail: "left"), at: now))
        case .farewell(let end, _): return .end(finish(end, at: now))
        case .waiting, .openingAlone, .suspended, .over: return .nothing
        }
    }

    /// The provider's VAD heard the participant.
    package mutating func participantSpoke(at now: Duration) {
        lastHeard = now
        askedStillThere = false
    }
}

// MARK: - The provider
extension SessionLifecycle {
    package enum OnProviderReady: Equatable, Sendable {
        /// Ask for the study's greeting.
        case greet
        /// The conversation goes on; an answer may be owed.
        case goOn
        /// The end is decided and the last words were lost: ask for them again.
        case sayGoodbye
        case nothing
    }

    package mutating func providerReady(at now: Duration) -> OnProviderReady {
        switch state {
        case .opening:
            state = .live
            lastHeard = now
            if greeted { return .goOn }
            greeted = true
            return .greet
        case .openingAlone(_, let awaySince):
            state = .suspended(since: awaySince)
            return .nothing
        case .farewell: return .sayGoodbye
        case .waiting, .live, .suspended, .over: return .nothing
        }
    }

    package enum OnProviderLost: Equatable, Sendable {
        /// Tell the participant `reconnecting` and open another connection.
        case reopen
        /// The end is decided and everything has been said: what is queued is played, then `playedOut`.
        case playOut
        case end(EndEntry)
        case nothing
    }

    /// Auth and quota errors cannot be waited out; anything else is tried again until the patience ends.
    /// - Parameter goodbyeIsOwed: the end is decided, the last words have not come.
    package mutating func providerLost(
        _ kind: String, curable: Bool, goodbyeIsOwed: Bool = false, at now: Duration
    ) -> OnProviderLost {
        let failed = EndEntry(reason: .providerFailed, detail: kind)
        switch state {
        case .opening(let patienceUntil), .openingAlone(let patienceUntil, _):
            guard curable, now < patienceUntil else { return .end(finish(failed, at: now)) }
            return .reopen
        case .live:
            guard curable else { return .end(finish(failed, at: now)) }
            state = .opening(patienceUntil: now + limits.providerPatience)
            return .reopen
        case .suspended(let since):
            guard curable else { return .end(finish(failed, at: now)) }
            state = .openingAlone(patienceUntil: now + limits.providerPatience, awaySince: since)
            return .reopen
        case .farewell: return curable && goodbyeIsOwed ? .reopen : .playOut
        case .waiting, .over: return .nothing
        }
    }
}

// MARK: - Ends
extension SessionLifecycle {
    package enum OnWrapUp: Equatable, Sendable {
        /// Let the last words play out, then report `playedOut`.
        case farewell
        case end(EndEntry)
        case nothing
    }

    /// The model called `end_interview`.
    package mutating func endRequested(at now: Duration) -> OnWrapUp {
        let completed = EndEntry(reason: .completed)
        switch state {
        case .live:
            state = .farewell(completed, until: now + limits.farewell)
            return .farewell
        case .suspended, .opening, .openingAlone: return .end(finish(completed, at: now))
        case .waiting, .farewell, .over: return .nothing
        }
    }

    /// Nothing is queued, in flight or owed any more.
    package mutating func playedOut(at now: Duration) -> OnEnd {
        guard case .farewell(let end, _) = state else { return .nothing }
        return .end(finish(end, at: now))
    }

    package enum OnBudget: Equatable, Sendable {
        /// Tell the model to bring the interview to its end.
        case wrapUp
        case nothing
    }

    package mutating func budgetNearlySpent() -> OnBudget {
        guard case .live = state, !wrapUpBegun else { return .nothing }
        wrapUpBegun = true
        return .wrapUp
    }

    package mutating func ended(_ reason: CompletionReason, detail: String?, at now: Duration) -> OnEnd {
        switch state {
        case .over: return .nothing
        case .waiting, .opening, .openingAlone, .live, .suspended, .farewell:
            return .end(finish(EndEntry(reason: reason, detail: detail), at: now))
        }
    }

    /// The process is going: whoever comes back continues elsewhere.
    /// - Returns: false when it was over already.
    package mutating func released(at now: Duration) -> Bool {
        switch state {
        case .over: return false
        case .waiting:
            state = .over(.abandoned)
            return true
        case .farewell(let end, _):
            _ = finish(end, at: now)
            return true
        case .opening, .openingAlone, .live, .suspended:
            stopClock(at: now)
            state = .over(.released)
            return true
        }
    }

    /// The store says that another process owns it (`.fenced`), or the claim was lost.
    package mutating func takenOver(at now: Duration) -> Bool {
        if case .over = state { return false }
        stopClock(at: now)
        state = .over(.takenOver)
        return true
    }
}

// MARK: - Time
extension SessionLifecycle {
    package enum OnTick: Equatable, Sendable {
        case nothing
        /// Half of the idle limit: ask "are you still there?".
        case askStillThere
        /// The hard limit is near: tell the model to bring the interview to its end.
        case wrapUp
        case end(EndEntry)
        /// The seat was never taken.
        case abandon
    }

    package mutating func ticked(at now: Duration) -> OnTick {
        switch state {
        case .waiting(let until):
            guard now >= until else { return .nothing }
            state = .over(.abandoned)
            return .abandon
        case .opening(let patienceUntil):
            if let end = overLimit(at: now) { return .end(end) }
            guard now >= patienceUntil else { return .nothing }
            return .end(finish(EndEntry(reason: .providerFailed, detail: "network"), at: now))
        case .openingAlone(let patienceUntil, let since):
            if now >= patienceUntil {
                return .end(finish(EndEntry(reason: .providerFailed, detail: "network"), at: now))
            }
            return awayTooLong(since: since, at: now)
        case .suspended(let since): return awayTooLong(since: since, at: now)
        case .live: return liveTick(at: now)
        case .farewell(let end, let until):
            guard now >= until else { return .nothing }
            return .end(finish(end, at: now))
        case .over: return .nothing
        }
    }

    /// When `ticked` has something to say at the latest; nil: never by itself. Lets a suspended session sleep.
    package func nextDeadline() -> Duration? {
        switch state {
        case .waiting(let until): until
        case .openingAlone(let patienceUntil, let since): min(patienceUntil, since + limits.rejoin)
        case .suspended(let since): since + limits.rejoin
        case .opening(let patienceUntil): patienceUntil
        case .farewell(_, let until): until
        case .live: .zero
        case .over: nil
        }
    }

    private mutating func awayTooLong(since: Duration, at now: Duration) -> OnTick {
        guard now - since >= limits.rejoin else { return .nothing }
        return .end(finish(EndEntry(reason: .participantLeft, detail: "dropped"), at: now))
    }

    /// The question could not be put (somebody was speaking, an answer was on its way): it is due at the next look.
    package mutating func stillThereWasNotAsked() { askedStillThere = false }

    /// The wrap-up could not be begun (the participant was speaking, no provider was ready): likewise.
    package mutating func wrapUpWasNotBegun() { wrapUpIsOwed = true }

    private mutating func liveTick(at now: Duration) -> OnTick {
        if let end = overLimit(at: now) { return .end(end) }
        if now - lastHeard >= limits.idle {
            return .end(finish(EndEntry(reason: .idleTimeout), at: now))
        }
        if wrapUpIsOwed || !wrapUpBegun && remaining(at: now) <= limits.wrapUp {
            wrapUpBegun = true
            wrapUpIsOwed = false
            return .wrapUp
        }
        if !askedStillThere, now - lastHeard >= limits.idle / 2 {
            askedStillThere = true
            return .askStillThere
        }
        return .nothing
    }

    private mutating func overLimit(at now: Duration) -> EndEntry? {
        guard remaining(at: now) == .zero else { return nil }
        return finish(EndEntry(reason: .timeLimit), at: now)
    }

    private mutating func startClock(at now: Duration) {
        if activeSince == nil { activeSince = now }
        lastHeard = now
        askedStillThere = false
    }

    private mutating func stopClock(at now: Duration) {
        if let since = activeSince { activeHere += now - since }
        activeSince = nil
    }

    private mutating func finish(_ end: EndEntry, at now: Duration) -> EndEntry {
        stopClock(at: now)
        state = .over(.ended(end))
        return end
    }
}
