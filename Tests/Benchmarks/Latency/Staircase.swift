import Foundation
import ParticipantLoad

/// How many conversations one core carries: some more join at each step, until a frame waits too long.
struct Staircase: Sendable {
    struct Step: Sendable {
        var sessions: Int
        /// Milliseconds added to a frame up, and to the first frame of an utterance down.
        var up: (p95: Double, p99: Double)
        var down: (p95: Double, p99: Double)
        /// Of the daemon's core, and of the core that participants and simulator share.
        var coreShare: Double
        var restShare: Double
        /// Why the core does not carry so many; nil: it does.
        var failure: String?

        var p95: Double { max(up.p95, down.p95) }
        var p99: Double { max(up.p99, down.p99) }
    }

    struct Plan: Sendable {
        var first: Int
        var step: Int
        /// Length of a step's window.
        var seconds: Int
    }

    /// More than a core of any machine that this is for.
    static let most = 400
    private static let ramp: Duration = .seconds(2)
    private static let settle: Duration = .seconds(2)
    /// Longer than all steps together: they are stopped when the last one has been taken.
    private static let forever: Duration = .seconds(3_600)

    // Targets of the design.
    static let mostP95 = 20.0
    static let mostP99 = 50.0

    private(set) var steps: [Step] = []
    /// Request → first frame without the provider's part, p99 in milliseconds, of those who joined at half load.
    private(set) var joinP99: Double?
    /// The kernel had to leave packets out.
    private(set) var isIncomplete = false

    /// The last step that held.
    var best: Step? { steps.last { $0.failure == nil } }
    var failure: String? { steps.last?.failure }
    /// The step nearest to half of what the core carries, from above.
    var half: Step? { best.flatMap { best in steps.first { $0.sessions * 2 >= best.sessions } } }

    static func measure(_ stage: Stage, _ plan: Plan, _ voice: PreparedVoice) async throws -> Staircase {
        try await stage.perform { scene in
            let capture = try PacketCapture(ports: [scene.ports.media, scene.ports.simulator])
            var climb = Climb(scene: scene, capture: capture)
            var staircase = Staircase()
            var ends: [Int: Int64] = [:]
            let begun = PacketCapture.now
            // Alone: the simulator has to learn the greeting before everybody asks for it, or they get it at one instant.
            climb.join(
                LoadRun(try stage.plan(scene.ports, count: 1, ramp: .zero, length: forever), voice: voice), count: 1)
            try await Task.sleep(for: settle + settle)
            for sessions in stride(from: plan.first, through: most, by: plan.step) {
                let load = try stage.plan(
                    scene.ports, count: sessions - climb.sessions, ramp: ramp, length: forever,
                    seed: UInt64(sessions))
                climb.join(LoadRun(load, voice: voice), count: sessions - climb.sessions)
                try await Task.sleep(for: ramp + settle)
                let step = try await climb.look(for: .seconds(plan.seconds))
                ends[sessions] = PacketCapture.now
                staircase.steps.append(step)
                Progress.say(line(step))
                if step.failure != nil { break }
            }
            Progress.say("how conversations ended: \(await climb.stop())")
            let (segments, complete) = await capture.stop()
            staircase.isIncomplete = !complete
            if let half = staircase.half, let end = ends[half.sessions] {
                let added = AddedLatency(segments, media: scene.ports.media, provider: scene.ports.simulator)
                staircase.joinP99 = added.join.milliseconds(0.99, within: begun..<end)
            }
            return staircase
        }
    }

    private static func line(_ step: Step) -> String {
        func short(_ value: Double) -> String { String(format: "%.1f", value) }
        return "\(step.sessions) on one core: added up p95 \(short(step.up.p95)) p99 \(short(step.up.p99)) ms, "
            + "down p95 \(short(step.down.p95)) p99 \(short(step.down.p99)) ms, core \(short(step.coreShare * 100)) %, "
            + "the rest's core \(short(step.restShare * 100)) %" + (step.failure.map { ": \($0)" } ?? "")
    }
}

/// The runs that have joined so far.
private struct Climb {
    let scene: Stage.Scene
    let capture: PacketCapture
    private(set) var sessions = 0
    private var runs: [(run: LoadRun, task: Task<LoadSummary, Never>)] = []

    /// Participants keep to the clock, so fewer frames mean that their core is full.
    private static let leastMicrophoneShare = 0.97

    init(scene: Stage.Scene, capture: PacketCapture) {
        self.scene = scene
        self.capture = capture
    }

    mutating func join(_ run: LoadRun, count: Int) {
        runs.append((run, Task { await run.run() }))
        sessions += count
    }

    /// Answers with the words for how many ends.
    func stop() async -> String {
        for (run, _) in runs { await run.stop() }
        var ends: [String: Int] = [:]
        for (_, task) in runs { ends.merge(await task.value.outcomes, uniquingKeysWith: +) }
        return ends.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }

    func look(for length: Duration) async throws -> Staircase.Step {
        let before = try await standing()
        let begun = PacketCapture.now
        try await Task.sleep(for: length)
        let end = PacketCapture.now
        let after = try await standing()
        guard scene.subject.ended == nil else { throw BenchError.ended(scene.subject.name) }
        let seconds = Double(after.at - before.at) / 1e9
        let added = AddedLatency(capture.segments, media: scene.ports.media, provider: scene.ports.simulator)
        func figures(_ samples: [AddedLatency.Sample]) -> (p95: Double, p99: Double) {
            (
                samples.milliseconds(0.95, within: begun..<end) ?? .infinity,
                samples.milliseconds(0.99, within: begun..<end) ?? .infinity
            )
        }
        var step = Staircase.Step(
            sessions: sessions, up: figures(added.up), down: figures(added.down),
            coreShare: (after.subject - before.subject) / .seconds(seconds),
            restShare: (after.rest - before.rest) / .seconds(seconds))
        step.failure = failure(
            step, after, microphone: Double(after.frames - before.frames) / seconds / 50 / Double(sessions))
        return step
    }

    private func failure(_ step: Staircase.Step, _ standing: Standing, microphone: Double) -> String? {
        if standing.failed > 0 { return "\(standing.failed) participants failed" }
        if standing.live < sessions { return "only \(standing.live) were talking" }
        if microphone < Self.leastMicrophoneShare { return "the participants' core is full" }
        if step.p95 > Staircase.mostP95 { return "p95 is over \(Int(Staircase.mostP95)) ms" }
        if step.p99 > Staircase.mostP99 { return "p99 is over \(Int(Staircase.mostP99)) ms" }
        return nil
    }

    private struct Standing {
        var at: Int64
        var subject: Duration
        var rest: Duration
        var live = 0
        var failed = 0
        var frames = 0
    }

    private func standing() async throws -> Standing {
        let own = try ProcessUsage.cpuTime(of: ProcessInfo.processInfo.processIdentifier)
        var standing = Standing(
            at: PacketCapture.now, subject: try ProcessUsage.cpuTime(of: scene.subject.pid),
            rest: own + (try ProcessUsage.cpuTime(of: scene.simulator.pid)))
        for (run, _) in runs {
            let progress = await run.progress()
            standing.live += progress.live
            standing.failed += progress.failed
            standing.frames += progress.framesUp
        }
        return standing
    }
}
