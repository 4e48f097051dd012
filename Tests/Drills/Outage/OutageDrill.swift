import ArgumentParser
import Foundation
import InterviewCore
import ParticipantLoad
import TestKit

/// `make drill-outage`: PostgreSQL is away while people talk, and comes back to one process after the other.
struct OutageDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outage",
        abstract: "PostgreSQL stopped under calls on three processes, seen again 0, 5 and 10 s after its return.",
        discussion: """
            OUTAGE_S (60) seconds, SESSIONS (20). From OUTAGE_S=300 on, one voiced is killed in the middle and started \
            anew, as an init system would. SABOTAGE=1 tells the first process back that its lease has been steady all \
            the time, so that it buries the living.
            """)

    @OptionGroup var options: DrillOptions

    @Option(help: "Participants; default SESSIONS, else 20, with --small 6.")
    var sessions: Int?

    @Flag(help: "Kill and restart one voiced also in an outage of less than 300 s.")
    var restart = false

    @Option(help: "Seconds without PostgreSQL; default OUTAGE_S, else 60, with --small 15.")
    var outage: Int?

    /// Seconds after its return at which each process sees PostgreSQL again.
    private static let seenAfter = [0, 5, 10]
    private static let study = "outage"
    private static let restartsFrom = 300

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(
            drill: "outage", sabotage: Sabotage.isOn ? "the first process back believes its lease was steady" : nil)
        var plan = RejoinDrill.plan
        plan.daemons = Self.seenAfter.count
        plan.storage = .postgres
        plan.gated = true
        plan.logLevel = "info"
        await Rig.hold("outage", plan, options, &verdict) { rig, verdict in try await hold(rig, &verdict) }
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    private func hold(_ rig: Rig, _ verdict: inout Verdict) async throws {
        guard let database = rig.database else { throw DrillError.missing("PostgreSQL") }
        let length = Sizes.whole(outage, "OUTAGE_S", 10...7_200, options.small ? 15 : 60)
        let count = Sizes.whole(sessions, "SESSIONS", 3...100, options.small ? 6 : 20)
        try await rig.save(study: Self.study, limits: ["rejoin_seconds": length + 600])
        let audit = AuditTrail(database: database)
        try await audit.begin()
        let party = try await RejoinParty.join(rig, count: count, seed: 29, RejoinParty.Manner(), study: Self.study)
        do {
            try await party.talk(for: 5)
            let since = try await audit.now()
            let loss = try await without(database, rig, party, seconds: length, &verdict)
            try await party.everybodyLive("outage")
            try await party.talk(for: 3)
            Progress.say("PgBouncer is restarted")
            try await database.bouncer.restart()
            try await party.talk(for: 12)
            try await judge(rig, audit, party, loss, since: since, &verdict)
            let ended = try await SimulatorWitness.read(rig).lastMilliseconds
            let reports = try await party.end(&verdict)
            try await RejoinAccount(
                rig: rig, party: party, reports: reports, kills: [loss].compactMap(\.self), endedAt: ended
            ).compare(&verdict)
            verdict.figure("not_rejoined", reports.count { $0.outcome != .ended(reason: "participant_left") })
        } catch {
            await party.stop()
            throw error
        }
    }

    /// Returns when the last process sees PostgreSQL again; what was lost when a voiced was killed meanwhile.
    private func without(
        _ database: RigDatabase, _ rig: Rig, _ party: RejoinParty, seconds: Int, _ verdict: inout Verdict
    ) async throws -> RejoinParty.Kill? {
        let store = try StoreWitness(rig)
        // The first to see PostgreSQL again: it settles what its predecessor spooled before anybody is let in. One that
        // sees it later finds its conversations taken, and what was spooled becomes late records.
        let victim = rig.slots[0]
        let rows = try await store.rows(party.guests.map(\.session))
        let owner = try await store.instance(at: victim)
        let back = ContinuousClock.now + .seconds(seconds)
        for gate in database.gates.flatMap(\.self) { gate.shut() }
        try await database.server.stop(.fast)
        Progress.say("PostgreSQL is away for \(seconds) s")
        try? await eventually("the daemons to notice", within: .seconds(8)) {
            try await rig.healthReport().reasons.contains("store_unavailable")
        }
        let health = try await rig.healthReport()
        verdict.expect(
            !health.acceptingNew && health.reasons.contains("store_unavailable"),
            "nobody new is taken meanwhile, and it is said why", "\(health.reasons)")
        var loss: RejoinParty.Kill?
        var starting: Task<Void, any Error>?
        if restart || seconds >= Self.restartsFrom {
            try await Task.sleep(until: back - .seconds(seconds / 2), clock: .continuous)
            loss = try await party.lose(victim, rows: rows, owner: owner)
            starting = Task { try await Self.startAgain(rig, victim) }
        }
        try await Task.sleep(until: back, clock: .continuous)
        try await database.server.start()
        let returned = ContinuousClock.now
        Progress.say("PostgreSQL is back")
        let lying = Task { if Sabotage.isOn { try await Self.claimSteadiness(database) } }
        defer { lying.cancel() }
        for (gates, seconds) in zip(database.gates, Self.seenAfter) {
            try await Task.sleep(until: returned + .seconds(seconds), clock: .continuous)
            for gate in gates { gate.open() }
        }
        try await starting?.value
        // Everybody has renewed, looked, and had the time to reap what it should not.
        try await party.talk(for: 12)
        if loss != nil {
            try await party.everybodyLive("outage")
            let reports = await party.progress()
            for index in party.guests.indices { loss?.marks[index]?.back = reports[index].captured.count }
        }
        return loss
    }

    /// As an init system would: once more every two seconds, until it is ready.
    private static func startAgain(_ rig: Rig, _ slot: DaemonSlot) async throws {
        while true {
            if slot.process.ended != nil { try slot.startAnother() }
            if await rig.health("/readyz", at: slot) == 200 { return }
            try await Task.sleep(for: .seconds(2))
        }
    }

    /// Sabotage.
    private static func claimSteadiness(_ database: RigDatabase) async throws {
        while true {
            try await database.query("UPDATE instances SET steady_since = 0")
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func judge(
        _ rig: Rig, _ audit: AuditTrail, _ party: RejoinParty, _ loss: RejoinParty.Kill?, since: Int,
        _ verdict: inout Verdict
    ) async throws {
        let sessions = party.guests.map(\.session)
        let ended = try await audit.entries(into: "ended", since: since, sessions)
        // Whose owner was killed may be marked so.
        let kept = sessions.enumerated().filter { loss?.marks[$0.offset] == nil }.map(\.element)
        let reaped = try await audit.entries(into: "interrupted", since: since, kept)
        verdict.figure("calls_ended", ended)
        verdict.figure("reaped_falsely", reaped)
        verdict.expect(ended == 0, "no call has ended", "\(ended)")
        verdict.expect(reaped == 0, "none was taken for lost", "\(reaped)")
        let connections = await party.progress().map(\.connections)
        let undisturbed = connections.enumerated().allSatisfy { index, count in
            count == 1 || loss?.marks[index] != nil
        }
        verdict.expect(undisturbed, "nobody's line has noticed", "\(connections)")
        let stale = try await audit.staleWrites()
        verdict.expect(stale == 0, "nothing is written by whom it does not belong to", "\(stale)")
        for slot in rig.slots {
            let waiting = try await DaemonWitness.read(rig, slot).metric("voice_journal_spool_records")
            verdict.expect(waiting == 0, "daemon \(slot.number) has written what had waited", "\(waiting)")
        }
    }
}
