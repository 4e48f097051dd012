import Foundation
import InterviewCore
import ParticipantLoad

/// Many calls of a few seconds, each place taken anew as soon as it is free: what a conversation takes it gives back.
struct ShortCalls {
    let rig: Rig
    let voice: PreparedVoice
    let total: Int
    let length: Duration
    let atOnce: Int

    private static let settleWithin: Duration = .seconds(10)
    /// Of what was held before: memory, and descriptors.
    private static let share = 0.05
    private static let mostLeftBehind = 1_024
    /// Pages come and go with nobody's doing (a thread's stack, an allocator's arena): divided by fewer calls than this
    /// they would be taken for a leak of each, and the 5 % of the whole has to do.
    private static let enoughCalls = 512

    func hold(_ verdict: inout Verdict) async throws {
        // First the same in smaller: the allocator's arenas grow to what so many at a time need, SQLite fills its page
        // cache (2 MB a connection) and its statements, the metrics get their series. What those hold they hold once,
        // whatever comes after: it is no conversation's.
        Progress.say("short calls: warming up")
        _ = try await calls(max(atOnce * 2, total / 4), leaving: true, seed: 21)
        try await settle()
        let before = try await Footprint.measure(rig.daemon.pid, store: rig.databasePath)
        Progress.say("short calls: \(total) of \(length), \(atOnce) at a time")
        let summary = try await calls(total, leaving: !Sabotage.isOn, seed: 22)
        try? await settle()
        let after = try await Footprint.measure(rig.daemon.pid, store: rig.databasePath)
        let left = try await rig.healthReport().activeSessions
        report(summary, before, after, left, &verdict)
    }

    private func calls(_ count: Int, leaving: Bool, seed: UInt64) async throws -> LoadSummary {
        var plan = LoadPlan(
            source: try rig.source, sessions: min(atOnce, count), duration: .seconds(3_600), ramp: length,
            churn: length,
            style: .turns(TurnHabits(thinkMilliseconds: 100...400)), leaves: leaving, seed: seed)
        plan.total = count
        let run = LoadRun(plan, voice: voice)
        let telling = Task {
            while true {
                try await Task.sleep(for: .seconds(10))
                Progress.say("  \((await run.progress()).joined) of \(count)")
            }
        }
        defer { telling.cancel() }
        return await run.run()
    }

    /// Until the daemon has nobody any more, and its last writes are done.
    private func settle() async throws {
        try await eventually("the daemon to be empty", within: Self.settleWithin) {
            try await rig.healthReport().activeSessions == 0
        }
        try await Task.sleep(for: .seconds(2))
    }

    private func report(
        _ summary: LoadSummary, _ before: Footprint, _ after: Footprint, _ left: Int, _ verdict: inout Verdict
    ) {
        let grown = after.pssBytes - before.pssBytes
        let each = Double(max(0, grown)) / Double(total)
        verdict.figure("churned", summary.joined)
        verdict.figure("pss_before_bytes", before.pssBytes)
        verdict.figure("pss_after_bytes", after.pssBytes)
        verdict.figure("left_behind_bytes_per_session", each)
        verdict.figure("fds_before", before.descriptors)
        verdict.figure("fds_after", after.descriptors)
        verdict.figure("churn_errors", summary.errors.values.reduce(0, +) + summary.failed)
        verdict.figure("churn_join_p99_ms", summary.join.p99)
        verdict.expect(
            summary.joined == total && summary.failed == 0 && summary.errors.isEmpty,
            "short calls: every one is held without an error", "\(summary.joined) joined, \(summary.errors)")
        verdict.expect(left == 0, "short calls: none stays", "\(left)")
        if total >= Self.enoughCalls {
            verdict.expect(
                grown <= total * Self.mostLeftBehind, "short calls: at most 1 KiB each is left behind",
                "\(Int(each)) bytes")
        }
        verdict.expect(
            Double(grown) <= Double(before.pssBytes) * Self.share,
            "short calls: memory afterwards within 5 % of before",
            "\(before.pssBytes) and \(after.pssBytes) bytes")
        verdict.expect(
            Double(abs(after.descriptors - before.descriptors)) <= Double(before.descriptors) * Self.share,
            "short calls: descriptors afterwards within 5 % of before", "\(before.descriptors), \(after.descriptors)")
    }
}
