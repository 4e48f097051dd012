import Foundation
import ParticipantLoad

/// The steady part of a run: everybody is in, nobody leaves yet.
struct Window: Sendable {
    /// From the first join to the last; then a pause, the window, and the goodbye.
    static let ramp: Duration = .seconds(5)
    static let settle: Duration = .seconds(5)
    static let tail: Duration = .seconds(2)
    /// Memory is looked at so often, and the largest counts.
    static let memoryEvery: Duration = .seconds(2)

    var length: Duration
    var cpu: Duration
    var sessions: Int
    var framesUp: Int
    var framesDown: Int
    /// Largest growth of the process since before the first join, in bytes.
    var memoryGrowth: Int

    private var sessionSeconds: Double { Double(sessions) * (length / .seconds(1)) }
    /// CPU milliseconds of one conversation in one second.
    var millisecondsPerSessionSecond: Double { cpu / .milliseconds(1) / sessionSeconds }
    /// Part of the time in which the agent speaks, by the frames that arrived.
    var agentShare: Double { Double(framesDown) / sessionSeconds / 50 }
    /// Frames that participants sent against one each 20 ms.
    var microphoneShare: Double { Double(framesUp) / sessionSeconds / 50 }
    var memoryPerSession: Int { memoryGrowth / max(1, sessions) }

    /// How long participants have to be there for a window of `seconds`.
    static func runLength(_ seconds: Int) -> Duration { ramp + settle + .seconds(seconds) + tail }

    /// Measures `subject` while `run` goes on. `seconds`: the window's length.
    static func measure(
        _ subject: ChildProcess, under run: LoadRun, sessions: Int, seconds: Int, memoryBefore: Int
    ) async throws -> Window {
        try await Task.sleep(for: ramp + settle)
        let begun = await run.progress()
        guard begun.live == sessions else { throw BenchError.notJoined(live: begun.live, of: sessions) }
        let clock = ContinuousClock()
        let start = clock.now
        let cpu = try ProcessUsage.cpuTime(of: subject.pid)
        var memory = 0
        while clock.now - start < .seconds(seconds) {
            memory = max(memory, try ProcessUsage.memory(of: subject.pid))
            let left = .seconds(seconds) - (clock.now - start)
            try await Task.sleep(for: max(.milliseconds(1), min(memoryEvery, left)))
        }
        let used = try ProcessUsage.cpuTime(of: subject.pid) - cpu
        let length = clock.now - start
        let ended = await run.progress()
        guard subject.ended == nil else { throw BenchError.ended(subject.name) }
        return Window(
            length: length, cpu: used, sessions: sessions, framesUp: ended.framesUp - begun.framesUp,
            framesDown: ended.framesDown - begun.framesDown, memoryGrowth: max(0, memory - memoryBefore))
    }
}
