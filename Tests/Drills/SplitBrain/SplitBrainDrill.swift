import ArgumentParser
import Foundation
import InterviewCore
import NIOPosix
import ParticipantLoad

/// `make drill-split-brain`: an owner stands still, others take over, it wakes and still believes.
struct SplitBrainDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split-brain",
        abstract: "SIGSTOP the owner, others take over, SIGCONT: nothing is written by the old one.",
        discussion: """
            Once as it is, once with its check at waking switched off, when the store's fence alone has to refuse. \
            SESSIONS (10), FROZEN_S (30). SABOTAGE=1 writes a record under an epoch that is over, past voiced.
            """)

    @OptionGroup var options: DrillOptions

    @Option(help: "Participants; default SESSIONS, else 10, with --small 4.")
    var sessions: Int?

    @Option(help: "Seconds of standing still; default FROZEN_S, else 30, with --small 12.")
    var frozen: Int?

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(
            drill: "split-brain", sabotage: Sabotage.isOn ? "a record is written under an epoch that is over" : nil)
        var parts: [Verdict] = []
        // At small size one part is enough to see that the drill can fail.
        for checks in Sabotage.isOn && options.small ? [true] : [true, false] {
            let name = checks ? "checked" : "fenced"
            Progress.say(checks ? "as it is" : "without the check at waking")
            var part = Verdict(drill: "split-brain", sabotage: nil)
            var plan = RejoinDrill.plan
            plan.daemons = 2
            plan.storage = .postgres
            plan.logLevel = "info"
            if !checks { plan.environment["VOICED_OWNERSHIP_CHECK_ON_WAKE"] = "false" }
            await Rig.hold(name, plan, options, &part) { rig, part in try await hold(rig, checks: checks, &part) }
            verdict.merge(part, as: name)
            parts.append(part)
        }
        CrashFigures.total(of: parts, &verdict)
        let stale = parts.compactMap { $0.value("stale_writes") }
        if stale.count == parts.count { verdict.figure("stale_writes", Int(stale.reduce(0, +))) }
        if let refused = parts.last?.value("refused_writes") { verdict.figure("refused_writes", Int(refused)) }
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    private func hold(_ rig: Rig, checks: Bool, _ verdict: inout Verdict) async throws {
        guard let database = rig.database else { throw DrillError.missing("PostgreSQL") }
        let audit = AuditTrail(database: database)
        try await audit.begin()
        let count = Sizes.whole(sessions, "SESSIONS", 2...100, options.small ? 4 : 10)
        let length = Sizes.whole(frozen, "FROZEN_S", 10...600, options.small ? 12 : 30)
        let party = try await RejoinParty.join(rig, count: count, seed: 23, RejoinParty.Manner())
        do {
            try await party.talk(for: 4)
            let since = try await audit.now()
            let until = ContinuousClock.now + .seconds(length)
            let slot = rig.slots[0]
            let loss = try await party.lose(slot, &verdict) { slot in slot.process.send(SIGSTOP) }
            try await Task.sleep(until: until, clock: .continuous)
            let before = await party.progress().map(\.connections)
            slot.process.send(SIGCONT)
            Progress.say("awake after \(length) s")
            try await party.talk(for: options.small ? 5 : 10)
            let after = await party.progress().map(\.connections)
            let live = await party.liveCount()
            verdict.expect(
                before == after && live == count, "nobody notices that it is back", "\(before), \(after), \(live) live")
            if Sabotage.isOn { try await Self.writeLate(database) }
            try await judge(rig, audit, loss, since: since, checks: checks, party.guests.map(\.session), &verdict)
            let ended = try await SimulatorWitness.read(rig).lastMilliseconds
            let reports = try await party.end(&verdict)
            try await RejoinAccount(rig: rig, party: party, reports: reports, kills: [loss], endedAt: ended)
                .compare(&verdict)
            verdict.figure("not_rejoined", reports.count { $0.outcome != .ended(reason: "participant_left") })
            try await newCall(rig, slot, instance: loss.owner, voice: party.voice, &verdict)
        } catch {
            await party.stop()
            throw error
        }
    }

    private func judge(
        _ rig: Rig, _ audit: AuditTrail, _ loss: RejoinParty.Kill, since: Int, checks: Bool, _ sessions: [String],
        _ verdict: inout Verdict
    ) async throws {
        let lost = zip(sessions, loss.marks).compactMap { $1 == nil ? nil : $0 }
        let stale =
            try await audit.staleWrites()
            + (try await audit.takenBack(by: loss.owner ?? "", since: since, lost))
        let late = try await audit.lateRecords()
        let fenced = try await DaemonWitness.read(rig, rig.slots[0]).metric("voice_journal_fenced_records_total")
        verdict.figure("stale_writes", stale)
        verdict.figure("late_records", late)
        verdict.figure("refused_writes", Int(fenced))
        verdict.expect(stale == 0, "nothing is written by whom it does not belong to any more", "\(stale)")
        if !checks {
            verdict.expect(
                fenced >= 1 || late >= 1, "the fence had something to refuse", "\(fenced) refused, \(late) laid beside")
        }
        verdict.expect(!lost.isEmpty, "somebody was on the process that stood still")
    }

    /// What a process without a fence would do.
    private static func writeLate(_ database: RigDatabase) async throws {
        try await database.query(
            """
            INSERT INTO journal(session, epoch, sequence, kind, at, body)
            SELECT id, epoch - 1, 1000000, 'note', audit.now(), '{}' FROM sessions WHERE epoch > 1 LIMIT 1
            """)
    }

    /// The process that woke, the same as before, is as good as any.
    private func newCall(
        _ rig: Rig, _ slot: DaemonSlot, instance: String?, voice: PreparedVoice, _ verdict: inout Verdict
    ) async throws {
        try await eventually("the process that woke to be ready", within: .seconds(20)) {
            await rig.health("/readyz", at: slot) == 200
        }
        let ticket = try await rig.createSession()
        let settings = ParticipantSettings(
            session: ticket.id, token: ticket.token, address: try Address("ws://127.0.0.1:\(slot.ports.media)"),
            up: voice.format, down: .opus, style: .quiet, seed: 5)
        let participant = Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
        let running = Task { await participant.run() }
        try? await eventually("the greeting", within: .seconds(10)) { await participant.itemsAnnounced > 0 }
        let row = try await StoreWitness(rig).row(ticket.id)
        await participant.leave()
        let report = await running.value
        verdict.expect(
            row?.owner != nil && row?.owner == instance && report.down.frames > 0
                && report.outcome == .ended(reason: "participant_left"), "it takes new calls afterwards",
            "\(row?.state ?? "none"), \(String(describing: report.outcome)), \(report.errors)")
    }
}
