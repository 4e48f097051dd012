/// How long and how often a part is tried, before it is left where it is.
package struct DeliveryLimits: Sendable, Hashable {
    /// Before the second try; doubles with each.
    package var firstPause: Duration
    package var longestPause: Duration
    /// An object store that is away for longer gets each part offered once more; then the part stays in the recordings'
    /// folder, counted, until the next start finds it there.
    package var patience: Duration

    package init(
        firstPause: Duration = .seconds(1), longestPause: Duration = .seconds(60), patience: Duration = .seconds(86_400)
    ) {
        self.firstPause = firstPause
        self.longestPause = longestPause
        self.patience = patience
    }

    /// `failures`: 1 and up.
    package func pause(after failures: Int) -> Duration {
        min(firstPause * (1 << min(max(failures - 1, 0), 16)), longestPause)
    }

    /// Parts in the queue: a day of a hundred conversations. What is more stays on the disk until the next start.
    package static let mostWaiting = 150_000
}
