import ParticipantLoad

/// One half of the ratio: what conversations cost while everybody talks.
struct Cost: Sendable {
    var window: Window
    var summary: LoadSummary

    /// `voice` is prepared once: both halves hear the same packets.
    static func measure(_ stage: Stage, seconds: Int, _ voice: PreparedVoice) async throws -> Cost {
        try await stage.perform { scene in
            let plan = try stage.plan(
                scene.ports, count: stage.sessions, ramp: Window.ramp, length: Window.runLength(seconds))
            let run = LoadRun(plan, voice: voice)
            let memory = try ProcessUsage.memory(of: scene.subject.pid)
            // Not awaited when the window fails: the run would go on to its end.
            let running = Task { await run.run() }
            let window = try await Window.measure(
                scene.subject, under: run, sessions: stage.sessions, seconds: seconds, memoryBefore: memory)
            return Cost(window: window, summary: await running.value)
        }
    }
}
