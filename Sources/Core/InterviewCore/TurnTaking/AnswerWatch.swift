/// Notices a provider that owes an answer and says nothing at all: a half-open connection looks like that long before
/// its transport notices. A provider that owes nothing may be silent as long as it likes.
package struct AnswerWatch: Equatable, Sendable {
    /// An answer is owed, and no event has come.
    package static let patience: Duration = .seconds(10)
    /// For a turn to be found in sound that was given again.
    package static let findingPatience: Duration = .seconds(3)

    private enum State: Equatable, Sendable {
        case nothingOwed
        /// A turn was given again; the provider is to find and answer it by itself.
        case finding(since: Duration)
        case owed(since: Duration)
    }
    private var state = State.nothingOwed

    package init() {}

    /// An answer is expected, or a turn whose answer would be.
    package var isOwed: Bool { state != .nothingOwed }

    package mutating func answerOwed(at now: Duration) { state = .owed(since: now) }

    package mutating func turnGivenAgain(at now: Duration) { state = .finding(since: now) }

    /// Any event, any sound.
    package mutating func providerSpoke(at now: Duration) {
        if case .owed = state { state = .owed(since: now) }
    }

    /// The answer is complete, the participant has begun another turn, or the connection is gone.
    package mutating func settled() { state = .nothingOwed }

    package enum OnLook: Equatable, Sendable {
        case nothing
        /// No turn was found: ask for the answer.
        case ask
        /// The connection is as good as lost.
        case reopen
    }

    package mutating func looked(at now: Duration) -> OnLook {
        switch state {
        case .nothingOwed: return .nothing
        case .finding(let since):
            guard now - since >= Self.findingPatience else { return .nothing }
            state = .owed(since: now)
            return .ask
        case .owed(let since):
            guard now - since >= Self.patience else { return .nothing }
            state = .nothingOwed
            return .reopen
        }
    }
}
