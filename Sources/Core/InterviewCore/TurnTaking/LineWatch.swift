/// Notices a line on which the participant's speech goes out and nothing comes back: a provider reports speech soon, so
/// one that says nothing may be gone. It may as well just listen to a long turn; whether the line lives, a ping tells.
package struct LineWatch: Equatable, Sendable {
    /// From the first speech without any event to the ping; again and again in a long turn.
    package static let patience: Duration = .seconds(5)
    /// Until the answer to the ping.
    package static let pongWithin: Duration = .seconds(5)
    /// Less speech than this is a noise, which a provider need not report.
    package static let leastSpeech: Duration = .milliseconds(300)

    private var since: Duration?
    private var speech: Duration = .zero

    package init() {}

    /// The provider was given so much that is loud enough for speech.
    package mutating func gave(speech length: Duration, at now: Duration) {
        guard length > .zero else { return }
        if since == nil { since = now }
        speech += length
    }

    /// Any event, any sound; or the connection is another one.
    package mutating func providerSpoke() { self = LineWatch() }

    package enum OnLook: Equatable, Sendable {
        case nothing
        /// Ask the line for a sign of life.
        case ping
    }

    package mutating func looked(at now: Duration) -> OnLook {
        guard let since, speech >= Self.leastSpeech, now - since >= Self.patience else { return .nothing }
        self = LineWatch()
        return .ping
    }
}
