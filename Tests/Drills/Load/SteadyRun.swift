import Foundation
import ParticipantLoad

/// A crowd that talks as people do for a while: no error, and no frame later than one frame's length.
struct SteadyRun {
    let rig: Rig
    let voice: PreparedVoice
    let sessions: Int
    let length: Duration

    /// p99 of agent frames at the participant's socket against (first frame of the utterance) + n × 20 ms.
    private static let latest = 20
    private static let pause: Duration = .seconds(2)
    private static let stop: Duration = .milliseconds(300)

    func hold(_ verdict: inout Verdict) async throws {
        Progress.say("steady: \(sessions) participants for \(length)")
        var plan = LoadPlan(
            source: try rig.source, sessions: sessions, duration: length,
            ramp: min(length / 5, .milliseconds(100) * sessions),
            style: .turns(TurnHabits(thinkMilliseconds: 300...1_500)), seed: 11)
        plan.threads = 1
        let run = LoadRun(plan, voice: voice)
        let telling = Task { try await tell(run) }
        let stopping = Task { if Sabotage.isOn { try await keepStopping() } }
        let summary = await run.run(thresholds: LoadThresholds(lateP99Milliseconds: Self.latest, errors: 0))
        telling.cancel()
        stopping.cancel()
        _ = await stopping.result
        rig.daemon.send(SIGCONT)
        report(summary, &verdict)
    }

    private func report(_ summary: LoadSummary, _ verdict: inout Verdict) {
        verdict.figure("sessions", summary.joined)
        verdict.figure("steady_s", summary.seconds)
        verdict.figure("late_p50_ms", summary.late.p50)
        verdict.figure("late_p99_ms", summary.late.p99)
        verdict.figure("late_max_ms", summary.late.max)
        verdict.figure("late_over_20_ms", summary.late.overOneFrame)
        verdict.figure("frames_down", summary.framesDown)
        verdict.figure("frames_up", summary.framesUp)
        verdict.figure("errors", summary.errors.values.reduce(0, +) + summary.failed)
        verdict.figure("underruns", summary.underruns)
        verdict.figure("join_p99_ms", summary.join.p99)
        verdict.figure("first_voice_p99_ms", summary.firstVoice.p99)
        verdict.figure("turn_p95_ms", summary.turn.p95)
        verdict.figure("turns", summary.turns)
        verdict.expect(
            summary.joined == sessions && summary.failed == 0 && summary.outcomes == ["participant_left": sessions],
            "steady: everybody joins, talks and says goodbye", "\(summary.outcomes)")
        verdict.expect(summary.errors.isEmpty, "steady: no error", "\(summary.errors)")
        verdict.expect(
            summary.closeCodes == ["1000": sessions], "steady: every line ends as it should", "\(summary.closeCodes)")
        verdict.expect(
            summary.missing + summary.repeated + summary.afterFlush + summary.unannounced == 0,
            "steady: no frame is lost, doubled or misplaced")
        // Two turns in a quarter of a minute: somebody talked and was answered.
        let turns = summary.turns
        verdict.expect(
            turns >= sessions && summary.unanswered == 0, "steady: people are answered",
            "\(turns) turns, \(summary.unanswered) without an answer")
        verdict.expect(
            summary.late.p99 <= Self.latest, "steady: late frames p99 under one frame", "\(summary.late.p99) ms")
    }

    private func tell(_ run: LoadRun) async throws {
        while true {
            try await Task.sleep(for: .seconds(10))
            let now = await run.progress()
            Progress.say(
                "  \(now.elapsed.components.seconds) s  live \(now.live)  failed \(now.failed)  frames down "
                    + "\(now.framesDown)  late p99 \(now.lateP99) ms")
        }
    }

    /// Sabotage.
    private func keepStopping() async throws {
        defer { rig.daemon.send(SIGCONT) }
        while true {
            try await Task.sleep(for: Self.pause)
            rig.daemon.send(SIGSTOP)
            try await Task.sleep(for: Self.stop)
            rig.daemon.send(SIGCONT)
        }
    }
}
