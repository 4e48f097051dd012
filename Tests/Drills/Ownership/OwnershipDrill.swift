import ArgumentParser
import Foundation
import InterviewCore
import NIOPosix
import ParticipantLoad

/// `make drill-ownership`: what owning costs the database grows with processes, not with conversations.
struct OwnershipDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ownership",
        abstract: "Writes, WAL and statements a minute at 10 and at 200 silent sessions: as good as the same.",
        discussion: """
            FEW (10) and MANY (200) sessions, WINDOW_S (60). SABOTAGE=1 renews each session by itself, as a lease per \
            session would.
            """)

    @OptionGroup var options: DrillOptions

    @Option(help: "Sessions at first; default FEW, else 10, with --small 4.")
    var few: Int?

    @Option(help: "Sessions then; default MANY, else 200, with --small 40.")
    var many: Int?

    @Option(help: "Seconds of each measurement; default WINDOW_S, else 60, with --small 20.")
    var window: Int?

    private static let study = "silent"
    private static let daemons = 3
    /// In 60 s three processes renew 90 times, in 20 s 30 times, give or take one each.
    private var mayDiffer: Double { options.small ? 0.25 : 0.10 }
    /// The greetings are played and written down, and idle servers have told their counts (after 10 s).
    private static let settle: Duration = .seconds(16)

    private struct Crowd {
        var participants: [Participant] = []
        var running: [Task<ParticipantReport, Never>] = []
    }

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(
            drill: "ownership", sabotage: Sabotage.isOn ? "each session is renewed by itself" : nil)
        var plan = RejoinDrill.plan
        plan.daemons = Self.daemons
        plan.storage = .postgres
        plan.keepsSound = false
        plan.logLevel = "info"
        plan.seatsPerLoop = 200
        // What is counted is what was asked for: no vacuum, no checkpoint, no page images, no running-transaction records.
        plan.serverSettings = [
            "shared_preload_libraries": "pg_stat_statements", "autovacuum": "off", "full_page_writes": "off",
            "checkpoint_timeout": "1h", "max_wal_size": "8GB", "wal_level": "minimal", "max_wal_senders": "0",
        ]
        await Rig.hold("ownership", plan, options, &verdict) { rig, verdict in try await hold(rig, &verdict) }
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    private func hold(_ rig: Rig, _ verdict: inout Verdict) async throws {
        guard let database = rig.database else { throw DrillError.missing("PostgreSQL") }
        try await database.query("CREATE EXTENSION pg_stat_statements")
        // Nobody is asked whether they are still there, nobody is sent away.
        try await rig.save(study: Self.study, limits: ["idle_seconds": 3_600])
        let length = Sizes.whole(window, "WINDOW_S", 10...3_600, options.small ? 20 : 60)
        let first = Sizes.whole(few, "FEW", 1...500, options.small ? 4 : 10)
        let second = Sizes.whole(many, "MANY", 2...1_000, options.small ? 40 : 200)
        var crowd = Crowd()
        let load = StoreLoad(database: database)
        try await join(rig, first, &crowd)
        let small = try await measure(load, first, seconds: length)
        try await join(rig, max(0, second - first), &crowd)
        let large = try await measure(load, second, seconds: length)
        var live = 0
        for participant in crowd.participants where await participant.isLive { live += 1 }
        verdict.expect(live == max(first, second), "everybody is there to the end", "\(live)")
        for (name, few, many) in [
            ("updates", small.updates, large.updates), ("wal_bytes", small.walBytes, large.walBytes),
            ("statements", small.statements, large.statements),
        ] {
            let minute = 60 / Double(length)
            let differs = abs(many - few) / max(few, 1)
            verdict.figure("\(name)_a_minute_few", few * minute)
            verdict.figure("\(name)_a_minute_many", many * minute)
            verdict.figure("\(name)_differ", differs)
            verdict.expect(
                few > 0 && differs < mayDiffer, "\(name): as good as the same between \(first) and \(second) sessions",
                "\(few) and \(many) in \(length) s")
        }
        for participant in crowd.participants { await participant.leave() }
        for running in crowd.running { _ = await running.value }
    }

    private func measure(_ load: StoreLoad, _ sessions: Int, seconds: Int) async throws -> StoreLoad.Numbers {
        Progress.say("\(sessions) silent sessions for \(seconds) s")
        let renewing = Task { if Sabotage.isOn { try await load.renewEachSession() } }
        defer { renewing.cancel() }
        return try await load.measure(for: .seconds(seconds))
    }

    /// Greeted, their greeting played and written down.
    private func join(_ rig: Rig, _ count: Int, _ crowd: inout Crowd) async throws {
        let voice = try PreparedVoice(VoiceLibrary.load([Caller.alsa]), format: .opus)
        var joined: [Participant] = []
        for number in 0..<count {
            let ticket = try await rig.createSession(study: Self.study)
            let settings = ParticipantSettings(
                session: ticket.id, token: ticket.token, address: ticket.media, style: .quiet, seed: UInt64(number))
            let participant = Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
            joined.append(participant)
            crowd.participants.append(participant)
            crowd.running.append(Task { await participant.run() })
            try await Task.sleep(for: .milliseconds(50))
        }
        let waiting = joined
        try await eventually("everybody to be greeted", within: .seconds(30)) {
            for participant in waiting where await participant.itemsAnnounced == 0 { return false }
            return true
        }
        try await Task.sleep(for: Self.settle)
    }
}
