import ArgumentParser
import Foundation
import ParticipantLoad

/// `make drill-crash`: two processes, many who talk, and one of the two killed again and again.
struct CrashDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crash",
        abstract: "Two processes behind a HAProxy, kill -9 of one at random moments: no word is lost.",
        discussion: """
            Once on PostgreSQL (behind PgBouncer), once on one SQLite file; STORE=postgres or sqlite for one alone. \
            SESSIONS (50) participants, KILLS (5). SABOTAGE=1 lets the clients forget what is not acknowledged when \
            their line breaks.
            """)

    @OptionGroup var options: DrillOptions

    @Option(help: "Participants; default SESSIONS, else 50, with --small 6.")
    var sessions: Int?

    @Option(help: "Kills; default KILLS, else 5, with --small 2.")
    var kills: Int?

    @Option(help: "postgres, sqlite or both; default STORE, else both.")
    var store: String?

    @Option(help: "Seed of all chance.")
    var seed: UInt64 = 17

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(
            drill: "crash", sabotage: Sabotage.isOn ? "clients forget their memory when the line breaks" : nil)
        let asked = store ?? ProcessInfo.processInfo.environment["STORE"] ?? "both"
        let stores = RigPlan.Storage.allCases.filter { asked == "both" || asked == $0.rawValue }
        if stores.isEmpty { verdict.fail("STORE is postgres, sqlite or both, not \(asked)") }
        var parts: [Verdict] = []
        // At small size one store is enough to see that the drill can fail.
        for storage in stores.reversed().prefix(Sabotage.isOn && options.small ? 1 : stores.count) {
            Progress.say("on \(storage.rawValue)")
            var part = Verdict(drill: "crash", sabotage: nil)
            var plan = RejoinDrill.plan
            plan.daemons = 2
            plan.storage = storage
            plan.logLevel = "info"
            await Rig.hold(storage.rawValue, plan, options, &part) { rig, part in try await hold(rig, &part) }
            verdict.merge(part, as: storage.rawValue)
            parts.append(part)
        }
        CrashFigures.total(of: parts, &verdict)
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    /// Milliseconds. A page gives up at the fourth line that is torn within ten seconds of its `welcome`, and rightly so.
    private static func between(_ kills: Int) -> ClosedRange<Int> { kills > 3 ? 10_500...15_000 : 3_000...8_000 }

    private func hold(_ rig: Rig, _ verdict: inout Verdict) async throws {
        let count = Sizes.whole(sessions, "SESSIONS", 1...150, options.small ? 6 : 50)
        let times = Sizes.whole(kills, "KILLS", 1...1_000, options.small ? 2 : 5)
        let party = try await RejoinParty.join(
            rig, count: count, seed: seed,
            RejoinParty.Manner(thinkMilliseconds: 200...3_000, forgetful: Sabotage.isOn))
        do {
            var chance = SeededChance(seed: seed)
            var losses: [RejoinParty.Kill] = []
            for number in 0..<times {
                try await party.talk(forMilliseconds: Int.random(in: Self.between(times), using: &chance))
                losses.append(
                    try await party.kill(
                        rig.slots[number % 2], restartAfter: .milliseconds(Int.random(in: 500...3_000, using: &chance)),
                        &verdict))
            }
            try await party.talk(for: 5)
            let ended = try await SimulatorWitness.read(rig).lastMilliseconds
            let reports = try await party.end(&verdict)
            try await RejoinAccount(rig: rig, party: party, reports: reports, kills: losses, endedAt: ended)
                .compare(&verdict)
            CrashFigures.judge(reports, hit: losses.reduce(0) { $0 + $1.marks.count { $0 != nil } }, &verdict)
        } catch {
            await party.stop()
            throw error
        }
    }
}

/// What a crash may cost, and what several parts came to together.
enum CrashFigures {
    private static let p95: Double = 2_000
    private static let longest: Double = 5_000

    /// `hit`: how many times somebody lost their owner.
    static func judge(_ reports: [ParticipantReport], hit: Int, _ verdict: inout Verdict) {
        let took = reports.flatMap(\.rejoinsTook).map { $0 / .milliseconds(1) }.sorted()
        let missing = reports.count { $0.outcome != .ended(reason: "participant_left") }
        verdict.figure("not_rejoined", missing)
        verdict.figure("owners_lost", hit)
        verdict.expect(missing == 0, "everybody is back", "\(missing) are not")
        verdict.expect(hit > 0 && took.count >= hit, "everybody came back after each loss", "\(took.count) of \(hit)")
        guard let last = took.last else { return }
        let spread = took[(took.count - 1) * 95 / 100]
        verdict.expect(spread <= p95, "95 of 100 are back within 2 s", "\(spread) ms")
        verdict.expect(last <= longest, "all are back within 5 s", "\(last) ms")
    }

    /// Counts are added, times are the worst.
    static func total(of parts: [Verdict], _ verdict: inout Verdict) {
        for name in ["turns_lost", "turns_doubled", "audio_missing_ms", "not_rejoined"] {
            let values = parts.compactMap { $0.value(name) }
            if values.count == parts.count { verdict.figure(name, Int(values.reduce(0, +))) }
        }
        for name in ["rejoin_p95_ms", "rejoin_max_ms", "recording_lost_ms"] {
            if let worst = parts.compactMap({ $0.value(name) }).max() { verdict.figure(name, worst) }
        }
    }
}
