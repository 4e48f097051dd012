/// Whether a participant's frames come at the pace of the clock. Allowed: 2 s ahead; after a `resend_from` 8 times real
/// time + 2 s until caught up. Also notices a capture clock that stood still (a suspended page): its frames come at the
/// right pace but for good too late.
///
/// What is judged is the client's capture clock against ours, never the conversation's positions: those may run ahead
/// of the present for good (a restarted process does not know how long its predecessor was gone), and a client would
/// seem to have caught up while it still has much to send. `lead` is a frame's end minus the moment it was read: an
/// honest client's is never more than it was when nothing delayed it, whenever we come to read its frames.
struct UplinkPace: Sendable {
    /// How far a client may be ahead.
    static let slack: Int64 = 2 * AudioUnits.perSecond
    /// How fast a client may send again.
    static let resendFactor: Int64 = 8
    /// Sound cards differ from our clock by less than a thousandth.
    static let driftDivisor: Int64 = 1_000
    /// Positions never run further ahead than this, whatever a client does to its clock.
    static let furthestAhead: Int64 = 6 * AudioUnits.perSecond
    /// Caught up: the client's clock is so near to what it has shown before that the rest is the line's delay.
    static let caughtUp: Int64 = AudioUnits.perSecond / 2
    /// The pace is judged over such a stretch.
    static let window: Duration = .seconds(5)
    /// In a window, a client that sends again gains more than this on the clock.
    static let leastGain: Int64 = AudioUnits.perSecond / 4
    /// Late by more than this over a whole window: the clock stood still.
    static let longestLag: Int64 = 2 * AudioUnits.perSecond
    /// Without a frame for longer than this (line or our own loop stood still), a window says nothing and begins anew.
    static let longestStall: Duration = .seconds(1)
    /// The first frames of a connection may have waited so long to be read: who hears nothing for 3 s gives up the line.
    static let longestWait: Duration = .seconds(4)

    enum Verdict: Equatable {
        case fine
        case tooFast
        /// Frames have been late by `lag` or more for a whole window: they belong so much later.
        case behind(lag: Int64)
    }

    /// A client starts to send again at its `welcome`; counted from then, because the first frames may be held up on a
    /// line that has just come back, and then arrive all at once.
    private let connectedAt: Duration
    /// The largest `lead` of this page load's earlier connections: what the client's clock shows without delay.
    private var knownLead: Int64?
    /// The largest of this connection.
    private var bestLead: Int64 = .min
    private var begun = false
    private var catchingUp = false
    private var anchorNow: Duration = .zero
    private var anchorEnd: Int64 = 0
    /// How far ahead positions were at first; they cannot be moved back.
    private var aheadAtStart: Int64 = 0
    private var windowNow: Duration = .zero
    private var windowEnd: Int64 = 0
    private var leastLag: Int64 = .max
    private var lastNow: Duration = .zero
    private var begunAt: Duration = .zero

    init(connectedAt now: Duration, knownLead: Int64? = nil) {
        connectedAt = now
        self.knownLead = knownLead
    }

    private static func lead(end: Int64, now: Duration) -> Int64 { end &- AudioUnits.units(in: now) }

    /// For the next connection's `knownLead`. What was sent again, or read in one piece, does not show the clock.
    var shownLead: Int64? {
        guard begun, !catchingUp, lastNow - begunAt >= Self.longestStall else { return knownLead }
        return max(knownLead ?? bestLead, bestLead)
    }

    /// The client has another capture clock from now on, or one that had stopped.
    mutating func clockChanged(end: Int64, now: Duration) {
        knownLead = nil
        bestLead = Self.lead(end: end, now: now)
        begunAt = now
    }

    /// The first frame of a connection: it sets the clock.
    mutating func begin(end: Int64, position: Int64, present: Int64, now: Duration, catchingUp: Bool) {
        begun = true
        begunAt = now
        bestLead = Self.lead(end: end, now: now)
        self.catchingUp = catchingUp && !isCaughtUp(end: end, now: now)
        aheadAtStart = max(0, position &- present)
        anchor(end: end, now: now)
        anchorNow =
            self.catchingUp
            ? connectedAt : min(now, max(connectedAt + UplinkTimeline.fillStep, now - Self.longestWait))
    }

    /// `end`: of the frame, on the capture clock; `position`: the same in the conversation; `fresh`: the capture clock
    /// has just been set anew.
    mutating func check(end: Int64, position: Int64, present: Int64, now: Duration, fresh: Bool) -> Verdict {
        guard begun else { return .fine }
        bestLead = max(bestLead, Self.lead(end: end, now: now))
        if !catchingUp, position &- present > Self.furthestAhead &+ aheadAtStart { return .tooFast }
        if fresh {
            anchor(end: end, now: now)
            return .fine
        }
        let elapsed = AudioUnits.units(in: max(.zero, now - anchorNow))
        let gained = end &- anchorEnd
        if catchingUp {
            let most = min(elapsed &* Self.resendFactor, elapsed &+ UplinkTimeline.longestBacklog) &+ Self.slack
            if gained > most { return .tooFast }
            if isCaughtUp(end: end, now: now) { settle(end, position, present, now) }
        } else if gained > elapsed &+ elapsed / Self.driftDivisor &+ Self.slack,
            isAheadOfItsClock(end: end, now: now)
        {
            return .tooFast
        }
        if now - lastNow > Self.longestStall { openWindow(end: end, now: now) }
        lastNow = now
        leastLag = min(leastLag, present &- position)
        guard now - windowNow >= Self.window else { return .fine }
        return judgeWindow(end: end, position: position, present: present, now: now)
    }

    /// Unknown (a page load's first connection here): only the pace over a window tells.
    private func isCaughtUp(end: Int64, now: Duration) -> Bool {
        guard let knownLead else { return false }
        return Self.lead(end: end, now: now) >= knownLead &- Self.caughtUp
    }

    /// What its clock has shown before, a client may show again, however late we read it.
    private func isAheadOfItsClock(end: Int64, now: Duration) -> Bool {
        guard let knownLead else { return true }
        let drift = AudioUnits.units(in: max(.zero, now - connectedAt)) / Self.driftDivisor
        return Self.lead(end: end, now: now) > knownLead &+ drift &+ Self.slack
    }

    private mutating func judgeWindow(end: Int64, position: Int64, present: Int64, now: Duration) -> Verdict {
        let gain = (end &- windowEnd) &- AudioUnits.units(in: now - windowNow)
        let lag = leastLag
        openWindow(end: end, now: now)
        if catchingUp {
            if gain <= Self.leastGain { settle(end, position, present, now) }
            return .fine
        }
        return lag > Self.longestLag && lag != .max ? .behind(lag: lag) : .fine
    }

    /// Caught up: from now on real time counts.
    private mutating func settle(_ end: Int64, _ position: Int64, _ present: Int64, _ now: Duration) {
        catchingUp = false
        aheadAtStart = max(0, position &- present)
        anchor(end: end, now: now)
    }

    private mutating func anchor(end: Int64, now: Duration) {
        anchorNow = now
        anchorEnd = end
        lastNow = now
        openWindow(end: end, now: now)
    }

    private mutating func openWindow(end: Int64, now: Duration) {
        windowNow = now
        windowEnd = end
        leastLag = .max
    }
}
