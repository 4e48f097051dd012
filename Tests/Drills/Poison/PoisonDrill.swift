import ArgumentParser
import Foundation
import InterviewCore
import NIOPosix
import ParticipantLoad

/// `make drill-poison`: one conversation that traps whichever process runs it.
struct PoisonDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poison",
        abstract: "A session that kills its process: the others come back, the culprit is ended at its second time.",
        discussion: """
            Needs a build of voiced that has the trap (make build-rehearsal). SESSIONS (20). SABOTAGE=1 takes a build that does not trap.
            """)

    @OptionGroup var options: DrillOptions

    @Option(help: "The voiced with the trap.")
    var rehearsal = ".build/rehearsal/release/voiced"

    @Option(help: "Others; default SESSIONS, else 20, with --small 6.")
    var sessions: Int?

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(drill: "poison", sabotage: Sabotage.isOn ? "a voiced without the trap" : nil)
        var plan = RejoinDrill.plan
        plan.daemons = 2
        plan.storage = .postgres
        plan.logLevel = "info"
        let program = URL(fileURLWithPath: rehearsal).path
        if !Sabotage.isOn { plan.daemonProgram = program }
        if FileManager.default.isExecutableFile(atPath: program) || Sabotage.isOn {
            await Rig.hold("poison", plan, options, &verdict) { rig, verdict in try await hold(rig, &verdict) }
        } else {
            verdict.fail("a voiced with the trap is there: \(program)")
        }
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    private func hold(_ rig: Rig, _ verdict: inout Verdict) async throws {
        let count = Sizes.whole(sessions, "SESSIONS", 2...100, options.small ? 6 : 20)
        let party = try await RejoinParty.join(rig, count: count, seed: 31, RejoinParty.Manner())
        do {
            try await party.talk(for: 4)
            let culprit = try await rig.createSession()
            var losses: [RejoinParty.Kill] = []
            for slot in rig.slots {
                var exit: ChildProcess.Exit?
                losses.append(
                    try await party.lose(slot, &verdict) { slot in
                        exit = try await poison(slot, culprit, party.voice)
                    } then: { slot in
                        try await Task.sleep(for: .seconds(1))
                        try await rig.restart(slot)
                    })
                verdict.expect(
                    exit?.signal != nil, "daemon \(slot.number) is killed by the culprit",
                    "\(String(describing: exit))")
                let row = try await culpritRow(rig, culprit.id, ended: losses.count == 2)
                verdict.expect(
                    losses.count == 2 ? row?.state == "ended" && row?.reason == "error" : row?.state != "ended",
                    losses.count == 2
                        ? "the culprit is ended with error at its second time" : "the first time is forgiven",
                    "\(row?.state ?? "none") \(row?.reason ?? "-") \(row?.detail ?? "-")")
                try await party.talk(for: 4)
            }
            try await refused(rig, culprit, party.voice, &verdict)
            let ended = try await SimulatorWitness.read(rig).lastMilliseconds
            let rows = try await StoreWitness(rig).rows(party.guests.map(\.session))
            let innocent = rows.values.count { $0.state != "active" }
            verdict.figure("innocent_ended", innocent)
            verdict.expect(rows.count == count && innocent == 0, "nothing else is ended", "\(innocent)")
            let reports = try await party.end(&verdict)
            CrashFigures.judge(reports, hit: losses.reduce(0) { $0 + $1.marks.count { $0 != nil } }, &verdict)
            try await RejoinAccount(
                rig: rig, party: party, reports: reports, kills: losses, endedAt: ended, strangers: losses.count
            ).compare(&verdict)
        } catch {
            await party.stop()
            throw error
        }
    }

    /// Somebody whose page's id makes a rehearsal's voiced trap joins this very process. They do not come back by
    /// themselves: the drill says where they go next.
    private func poison(
        _ slot: DaemonSlot, _ ticket: JoinTicket, _ voice: PreparedVoice
    ) async throws -> ChildProcess.Exit? {
        let participant = try participant(ticket, slot, voice)
        let running = Task { await participant.run() }
        let exit = await slot.process.exit(within: .seconds(15))
        await participant.stop()
        _ = await running.value
        if exit == nil { slot.process.send(SIGKILL) }
        return exit
    }

    private func participant(_ ticket: JoinTicket, _ slot: DaemonSlot, _ voice: PreparedVoice) throws -> Participant {
        var settings = ParticipantSettings(
            session: ticket.id, token: ticket.token, address: try Address("ws://127.0.0.1:\(slot.ports.media)"),
            up: voice.format, down: .opus, style: .endless, seed: 41)
        settings.client = "poison-drill"
        settings.joinPatience = .zero
        return Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
    }

    private func culpritRow(_ rig: Rig, _ session: String, ended: Bool) async throws -> StoreWitness.Row? {
        let store = try StoreWitness(rig)
        if ended {
            try? await eventually("the culprit's end", within: .seconds(15)) {
                try await store.row(session)?.state == "ended"
            }
        }
        return try await store.row(session)
    }

    private func refused(
        _ rig: Rig, _ ticket: JoinTicket, _ voice: PreparedVoice, _ verdict: inout Verdict
    ) async throws {
        let participant = try participant(ticket, rig.slots[0], voice)
        let running = Task { await participant.run() }
        try? await eventually("the refusal", within: .seconds(10)) { await participant.progress.outcome != nil }
        await participant.stop()
        let report = await running.value
        verdict.expect(
            report.outcome == .ended(reason: "410"), "the culprit is told that it is over",
            "\(String(describing: report.outcome))")
    }
}
