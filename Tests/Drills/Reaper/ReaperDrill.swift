import ArgumentParser
import Foundation

/// `make drill-reaper`: rows in every wrong state, healthy ones beside them, three processes that reap at once.
struct ReaperDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reaper",
        abstract:
            "Thousands of rows that nobody runs, three processes: each is settled once, no healthy one is touched.",
        discussion: """
            ROWS (1,000) in each wrong state, HEALTHY (100) beside them, written straight into PostgreSQL. SABOTAGE=1 \
            lets the lease of a living process lapse, so that its healthy sessions are reaped.
            """)

    @OptionGroup var options: DrillOptions

    @Option(help: "Rows in each wrong state; default ROWS, else 1,000, with --small 100.")
    var rows: Int?

    @Option(help: "Healthy rows; default HEALTHY, else 100, with --small 30.")
    var healthy: Int?

    private static let study = "reaped"
    /// After a process has shown for 20 s that it renews in time.
    private static let within = 10_000

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(
            drill: "reaper", sabotage: Sabotage.isOn ? "the lease of a living process is not renewed" : nil)
        var plan = RejoinDrill.plan
        plan.daemons = 3
        plan.storage = .postgres
        plan.keepsSound = false
        plan.logLevel = "info"
        await Rig.hold("reaper", plan, options, &verdict) { rig, verdict in try await hold(rig, &verdict) }
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    private func hold(_ rig: Rig, _ verdict: inout Verdict) async throws {
        guard let database = rig.database else { throw DrillError.missing("PostgreSQL") }
        let audit = AuditTrail(database: database)
        try await rig.save(study: Self.study, limits: ["rejoin_seconds": 3_600])
        let scene = ReaperScene(database: database, study: Self.study)
        let wrong = Sizes.whole(rows, "ROWS", 1...20_000, options.small ? 100 : 1_000)
        let good = Sizes.whole(healthy, "HEALTHY", 6...20_000, options.small ? 30 : 100)
        try await audit.begin()
        try await scene.makeInstances()
        let keeping = Task { while true { try await scene.keepAlive(); try await Task.sleep(for: .seconds(1)) } }
        defer { keeping.cancel() }
        if Sabotage.isOn { keeping.cancel() }
        try await scene.insert(wrong: wrong, healthy: good)
        let grace = max(try await audit.now(), try await scene.firstMayReap())
        let due = wrong * ReaperScene.Wrong.allCases.count
        Progress.say(
            "\(due) rows in wrong states, \(good) healthy; the first may reap in \(grace - (try await audit.now())) ms")
        try? await eventually("every wrong row to be settled", within: .seconds(60)) {
            try await Task.sleep(for: .milliseconds(300))
            return try await scene.settled() >= due
        }
        // Whoever settles a second time does it with the next sweeps.
        try await Task.sleep(for: .seconds(5))
        try await judge(scene, audit, wrong: wrong, grace: grace, &verdict)
    }

    private func judge(
        _ scene: ReaperScene, _ audit: AuditTrail, wrong: Int, grace: Int, _ verdict: inout Verdict
    ) async throws {
        var (settled, twice, left) = (0, 0, 0)
        for state in ReaperScene.Wrong.allCases {
            let found = try await scene.outcome(of: state)
            settled += found.once
            twice += found.often
            left += wrong - found.once - found.often
            verdict.expect(
                found.once == wrong && found.right == wrong, "\(state.rawValue): each settled once, as it should",
                "\(found.once) once, \(found.often) more often, \(found.right) as they should of \(wrong)")
        }
        verdict.figure("settled", settled)
        verdict.figure("settled_twice", twice)
        verdict.figure("left", left)
        let touched = try await scene.touchedHealthy()
        verdict.figure("healthy_touched", touched)
        verdict.expect(touched == 0, "no healthy row is touched", "\(touched) writes")
        let times = try await scene.times()
        verdict.figure("settle_ms", times.last - grace)
        verdict.figure("first_ms", times.first - grace)
        verdict.expect(
            times.last - grace <= Self.within, "all within 10 s after the grace", "\(times.last - grace) ms")
        verdict.expect(times.first >= grace, "none before a process has renewed for 20 s", "\(times.first - grace) ms")
        let money = try await scene.reservations()
        verdict.figure("reserved_left_micros", money.ended)
        verdict.expect(money.ended == 0, "what has ended has released its reservation", "\(money.ended)")
        verdict.expect(
            money.study == money.sessions, "the study's reservations are its sessions'",
            "\(money.study), \(money.sessions)")
        let jobs = try await scene.jobs()
        verdict.expect(jobs.ended == jobs.jobs, "each end has its job row", "\(jobs.ended) ends, \(jobs.jobs) jobs")
    }
}
