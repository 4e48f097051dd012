/// Decides when a provider's connection that works is replaced by a younger one, before its vendor ends it: at a
/// boundary between two turns; when none comes in time, in the first pause; at last at once. The younger one is opened
/// and configured beside it, so that the participant notices nothing. `ReopenPolicy` is about connections that were lost.
package struct RenewalPolicy: Equatable, Sendable {
    /// The last part of the window, in which a pause is enough: two minutes, or two fifths of a shorter window.
    package static let lastMinutes: Duration = .seconds(120)
    /// The end of it, in which nothing is waited for: 20 s, or a fifth of a shorter window.
    package static let lastSeconds: Duration = .seconds(20)
    /// Waits after attempts that failed; the last one repeats.
    package static let waits: [Duration] = [.seconds(2), .seconds(5), .seconds(10), .seconds(20)]
    /// After an attempt that the conversation overtook.
    package static let overtakenWait: Duration = .seconds(1)

    /// What the conversation is doing.
    package struct Moment: Equatable, Sendable {
        package var participantSpeaks: Bool
        /// An answer has begun and not ended.
        package var answerRuns: Bool
        /// An answer was asked for, or follows by itself, and has not begun.
        package var answerIsOwed: Bool
        /// The agent's words are queued, played, or not yet known to be heard.
        package var agentIsHeard: Bool
        /// A turn waits for its text or its end.
        package var turnsAreOpen: Bool
        /// It has been told to come to its end, which another connection would not know.
        package var isWrappingUp: Bool

        package init(
            participantSpeaks: Bool = false, answerRuns: Bool = false, answerIsOwed: Bool = false,
            agentIsHeard: Bool = false, turnsAreOpen: Bool = false, isWrappingUp: Bool = false
        ) {
            self.participantSpeaks = participantSpeaks
            self.answerRuns = answerRuns
            self.answerIsOwed = answerIsOwed
            self.agentIsHeard = agentIsHeard
            self.turnsAreOpen = turnsAreOpen
            self.isWrappingUp = isWrappingUp
        }

        /// Nothing of the conversation would be lost with a connection.
        var isBoundary: Bool { isPause && !agentIsHeard && !turnsAreOpen }
        /// Nobody is in the middle of anything with the provider.
        var isPause: Bool { !participantSpeaks && !answerRuns && !answerIsOwed && !isWrappingUp }
    }

    /// What the younger connection was told, against what there is to tell by now.
    package enum Context: Equatable, Sendable {
        case current
        /// The same turns, with more in them.
        case grown
        /// Other turns.
        case stale
    }

    /// From the announcement to the vendor's end.
    private struct Window: Equatable, Sendable {
        var begin: Duration
        var end: Duration
    }

    private enum Stage: Equatable, Sendable { case boundary, pause, atOnce }

    private enum State: Equatable, Sendable {
        /// Nothing has been announced. Leaves to `due`.
        case young
        /// Waits for its moment. Leaves to `opening`, and to `young` with the connection's end.
        case due(Window)
        /// Another connection is being opened. Leaves to `young` (moved over, or the present one is gone), `resting`.
        case opening(Window)
        /// An attempt has failed. Leaves to `opening`, `young`.
        case resting(Window, until: Duration)
    }

    private var state = State.young
    private var failures = 0

    package init() {}

    /// True from the announcement until the conversation has moved over.
    package var isDue: Bool { state != .young }

    // MARK: Events

    /// The present connection ends within `time`, by its age or by the vendor's word.
    package mutating func goingAway(within time: Duration, at now: Duration) {
        let end = now + max(time, .zero)
        switch state {
        case .young: state = .due(Window(begin: now, end: end))
        case .due(var window):
            window.end = min(window.end, end)
            state = .due(window)
        case .opening(var window):
            window.end = min(window.end, end)
            state = .opening(window)
        case .resting(var window, let until):
            window.end = min(window.end, end)
            state = .resting(window, until: until)
        }
    }

    package enum OnLook: Equatable, Sendable {
        case nothing
        /// Open another connection beside the present one.
        case open
    }

    package mutating func looked(_ moment: Moment, at now: Duration) -> OnLook {
        let window: Window
        switch state {
        case .young, .opening: return .nothing
        case .due(let due): window = due
        case .resting(let due, let until):
            guard now >= until else { return .nothing }
            window = due
        }
        switch stage(of: window, at: now) {
        case .boundary: guard moment.isBoundary else { return .nothing }
        case .pause: guard moment.isPause else { return .nothing }
        case .atOnce: break
        }
        state = .opening(window)
        return .open
    }

    package enum OnReady: Equatable, Sendable {
        /// The conversation goes on with the younger connection, from this moment.
        case moveOver
        /// The conversation has gone on meanwhile: close it, another is opened later.
        case discard
    }

    /// The younger connection is configured. A participant who has begun to speak since does no harm: the sound of a
    /// turn that is not settled is given again.
    package mutating func ready(_ moment: Moment, context: Context, at now: Duration) -> OnReady {
        guard case .opening(let window) = state else { return .discard }
        let fits: Bool
        switch stage(of: window, at: now) {
        case .boundary, .pause:
            fits = context == .current && !moment.answerRuns && !moment.answerIsOwed && !moment.isWrappingUp
        case .atOnce: fits = context != .stale
        }
        guard fits else {
            state = .resting(window, until: now + Self.overtakenWait)
            return .discard
        }
        ended()
        return .moveOver
    }

    /// The younger connection could not be opened.
    package mutating func attemptFailed(at now: Duration) {
        guard case .opening(let window) = state else { return }
        state = .resting(window, until: now + Self.waits[min(failures, Self.waits.count - 1)])
        failures += 1
    }

    /// The present connection is gone, or has been replaced.
    package mutating func ended() { self = RenewalPolicy() }

    private func stage(of window: Window, at now: Duration) -> Stage {
        let length = window.end - window.begin
        let left = window.end - now
        if left <= min(Self.lastSeconds, length / 5) { return .atOnce }
        return left <= min(Self.lastMinutes, length * 2 / 5) ? .pause : .boundary
    }
}
