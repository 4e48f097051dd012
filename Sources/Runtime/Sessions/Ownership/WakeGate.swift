import Dispatch
import InterviewCore
import Logging
import Ports
import Synchronization

/// What a loop does when it notices that it has slept: it holds still, so that nothing is sent to a participant or a
/// provider whom another process may have by now, until the store has said whose the conversations are, or the patience
/// is over (the fence refuses what is written then).
package enum WakeGate {
    package static let patience: Duration = .milliseconds(500)

    /// On the loop's own thread, which waits here.
    package static func hold(
        _ loop: any SessionLoop, for supervisor: SessionSupervisor, slept: Duration, metrics: MetricsRegistry,
        log: Logger
    ) {
        let answer = Answer()
        Task { answer.give(await supervisor.lookAfterSleep(on: loop.index)) }
        let held = answer.wait(atMost: patience)
        metrics.add(Metric.wakeUps, [held == nil ? "unanswered" : "answered"])
        log.warning(
            "a loop has slept",
            metadata: [
                "loop": "\(loop.index)", "slept_ms": "\(Int(slept / .milliseconds(1)))", "answered": "\(held != nil)",
            ])
        for (session, row) in held ?? [] { session.assumeIsolated { $0.settle(against: row) } }
    }

    private final class Answer: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)
        private let held = Mutex<[(VoiceSession, SessionRecord)]?>(nil)

        func give(_ held: [(VoiceSession, SessionRecord)]?) {
            self.held.withLock { $0 = held }
            semaphore.signal()
        }

        func wait(atMost time: Duration) -> [(VoiceSession, SessionRecord)]? {
            let deadline = DispatchTime.now() + .milliseconds(Int(time / .milliseconds(1)))
            guard semaphore.wait(timeout: deadline) == .success else { return nil }
            return held.withLock { $0 }
        }
    }
}
