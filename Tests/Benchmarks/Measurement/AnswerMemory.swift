import Foundation
import ParticipantLoad

/// What a conversation holds while the agent gives an answer of half a minute: a provider sends it several times faster
/// than it is spoken, so most of it waits here. Everybody gets one at the same time.
struct AnswerMemory: Sendable {
    /// Largest growth of the process since before the first join ÷ sessions.
    var bytesPerSession: Int
    /// Sound of the agent that each participant heard meanwhile.
    var answer: Duration

    /// The answer, and a little of what follows it.
    private static let length: Duration = .seconds(32)
    private static let lookEvery: Duration = .milliseconds(500)

    static func measure(_ stage: Stage, _ voice: PreparedVoice) async throws -> AnswerMemory {
        try await stage.perform { scene in
            let plan = try stage.plan(
                scene.ports, count: stage.sessions, ramp: Window.ramp, length: Window.ramp + length + Window.tail)
            let run = LoadRun(plan, voice: voice)
            let before = try ProcessUsage.memory(of: scene.subject.pid)
            let running = Task { await run.run() }
            var most = before
            let start = ContinuousClock.now
            while ContinuousClock.now - start < Window.ramp + length {
                try await Task.sleep(for: lookEvery)
                most = max(most, try ProcessUsage.memory(of: scene.subject.pid))
            }
            let progress = await run.progress()
            guard progress.live == stage.sessions else {
                throw BenchError.notJoined(live: progress.live, of: stage.sessions)
            }
            _ = await running.value
            return AnswerMemory(
                bytesPerSession: (most - before) / max(1, stage.sessions),
                answer: .milliseconds(20) * (progress.framesDown / max(1, stage.sessions)))
        }
    }
}
