import Logging
import UnixSignals

/// The signals that end a process, from the first to the one that skips the waiting, and SIGHUP, which reloads.
package struct SignalWatch: Sendable {
    /// A second signal counts only after this: an orchestrator's and a terminal's may come as a pair.
    package static let pairing: Duration = .seconds(1)

    private let log: Logger
    private let signals: UnixSignalsSequence

    /// Traps SIGTERM and SIGINT from here on, and SIGHUP where it `reloads` (elsewhere it means that the terminal is gone):
    /// made before anything starts, so that a signal during the start is not lost.
    package init(log: Logger, reloads: Bool = false) async {
        self.log = log
        signals =
            reloads
            ? await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
            : await UnixSignalsSequence(trapping: .sigterm, .sigint)
    }

    /// Waits for a signal, calls `end` and returns when that is done; a later signal meanwhile calls `skip`. Once.
    /// SIGHUP calls `reload`, any number of times.
    package func untilEnded(
        by end: @escaping @Sendable () async -> Void, skip: @escaping @Sendable () async -> Void,
        reload: @escaping @Sendable () async -> Void = {}
    ) async {
        let (starts, start) = AsyncStream<Void>.makeStream()
        let watcher = Task { [log, signals] in
            let clock = ContinuousClock()
            var firstAt: ContinuousClock.Instant?
            for await signal in signals {
                if signal == .sighup {
                    await reload()
                } else if let firstAt {
                    guard clock.now - firstAt >= Self.pairing else { continue }
                    log.notice("second signal: not waiting any longer", metadata: ["signal": "\(signal)"])
                    await skip()
                } else {
                    firstAt = clock.now
                    log.notice("ending", metadata: ["signal": "\(signal)"])
                    start.finish()
                }
            }
            start.finish()
        }
        for await _ in starts {}
        await end()
        watcher.cancel()
    }
}
