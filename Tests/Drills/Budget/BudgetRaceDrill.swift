import ArgumentParser
import Foundation
import InterviewCore
import NIOPosix
import ParticipantLoad

/// `make drill-budget-race`: ten dollars, a hundred who come at once to three processes, one of which is killed.
struct BudgetRaceDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budget-race",
        abstract:
            "A study's last ten dollars and a hundred joins at once: ten get in, and every micro-dollar is accounted for.",
        discussion: """
            JOINS (100) on a study of $10. SABOTAGE=1 hides a dollar of what is reserved.
            """)

    @OptionGroup var options: DrillOptions

    @Option(help: "Who wants in; default JOINS, else 100, with --small 30.")
    var joins: Int?

    private static let study = "capped"
    private static let dollars = 10

    private struct Guest: Sendable {
        let session: String
        let participant: Participant
        let running: Task<ParticipantReport, Never>
    }

    func run() async throws {
        Children.killOnSignals()
        defer { Children.killAll() }
        var verdict = Verdict(
            drill: "budget-race", sabotage: Sabotage.isOn ? "a dollar of what is reserved is hidden" : nil)
        var plan = RejoinDrill.plan
        plan.daemons = 3
        plan.storage = .postgres
        plan.keepsSound = false
        plan.logLevel = "info"
        await Rig.hold("budget-race", plan, options, &verdict) { rig, verdict in try await hold(rig, &verdict) }
        print(verdict.line())
        if !verdict.isOK { throw ExitCode(1) }
    }

    private func hold(_ rig: Rig, _ verdict: inout Verdict) async throws {
        guard let database = rig.database else { throw DrillError.missing("PostgreSQL") }
        let count = Sizes.whole(joins, "JOINS", 15...150, options.small ? 30 : 100)
        try await rig.save(study: Self.study, budgetMicros: Self.dollars * 1_000_000)
        let watch = BudgetWatch(database: database, study: Self.study)
        try await watch.begin()
        if Sabotage.isOn { try await watch.hideADollar() }
        let guests = try await join(rig, count)
        let answers = try await outcomes(guests)
        let seated = guests.filter { answers[$0.session] == "seated" }
        let codes = Dictionary(answers.values.map { ($0, 1) }, uniquingKeysWith: +)
        let refused = answers.values.count { $0.hasSuffix("study_budget") }
        verdict.figure("admitted", seated.count)
        verdict.figure("refused", refused)
        verdict.expect(
            seated.count == Self.dollars && refused == count - Self.dollars,
            "as many get in as there are dollars, the others are told study_budget", "\(codes)")
        try await talkThroughAKill(rig, seated, &verdict)
        for guest in guests { await guest.participant.leave() }
        var reports: [ParticipantReport] = []
        for guest in seated { reports.append(await guest.running.value) }
        verdict.expect(
            reports.allSatisfy { $0.outcome == .ended(reason: "participant_left") }, "who got in is served to the end",
            "\(reports.map { String(describing: $0.outcome) })")
        try await judge(watch, &verdict)
    }

    private func join(_ rig: Rig, _ count: Int) async throws -> [Guest] {
        let voice = try PreparedVoice(VoiceLibrary.load([Caller.english, Caller.spanish]), format: .opus)
        var tickets: [JoinTicket] = []
        for _ in 0..<count { tickets.append(try await rig.createSession(study: Self.study)) }
        Progress.say("\(count) come at once, there are \(Self.dollars) dollars")
        return tickets.enumerated().map { number, ticket in
            var settings = ParticipantSettings(
                session: ticket.id, token: ticket.token, address: ticket.media,
                style: .turns(TurnHabits(thinkMilliseconds: 200...800)), seed: UInt64(number))
            // A refusal is the answer here: nobody asks twice.
            settings.joinPatience = .zero
            let participant = Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
            return Guest(session: ticket.id, participant: participant, running: Task { await participant.run() })
        }
    }

    /// By session: `seated`, or status and code of the refusal.
    private func outcomes(_ guests: [Guest]) async throws -> [String: String] {
        var found: [String: String] = [:]
        try? await eventually("each to be seated or refused", within: .seconds(20)) {
            for guest in guests where found[guest.session] == nil {
                let report = await guest.participant.progress
                if report.joinTook != nil {
                    found[guest.session] = "seated"
                } else if case .refused(let status, let code) = report.outcome {
                    found[guest.session] = "\(status) \(code)"
                } else if let outcome = report.outcome {
                    // Who was let in by the door and found the last dollar taken is told so on the line.
                    let isTold = report.errors["study_budget"] != nil
                    found[guest.session] = isTold ? "closed study_budget" : "\(outcome)"
                }
            }
            return found.count == guests.count
        }
        return found
    }

    /// In the middle of talk, the process that has most of them.
    private func talkThroughAKill(_ rig: Rig, _ seated: [Guest], _ verdict: inout Verdict) async throws {
        let store = try StoreWitness(rig)
        try await Task.sleep(for: .seconds(options.small ? 6 : 12))
        let rows = try await store.rows(seated.map(\.session))
        var victim = (slot: rig.slots[0], guests: 0)
        for slot in rig.slots {
            let instance = try await store.instance(at: slot)
            let guests = rows.values.count { $0.owner != nil && $0.owner == instance }
            if guests > victim.guests { victim = (slot, guests) }
        }
        verdict.expect(victim.guests > 0, "somebody talks on the process that is killed")
        Progress.say("killed with \(victim.guests) of \(seated.count)")
        victim.slot.process.send(SIGKILL)
        _ = await victim.slot.process.exit(within: .seconds(5))
        try await Task.sleep(for: .seconds(2))
        try await rig.restart(victim.slot)
        try await eventually("everybody to be back", within: .seconds(20)) {
            for guest in seated where await !guest.participant.isLive { return false }
            return true
        }
        try await Task.sleep(for: .seconds(options.small ? 5 : 10))
    }

    private func judge(_ watch: BudgetWatch, _ verdict: inout Verdict) async throws {
        try? await eventually("every reservation to be released", within: .seconds(15)) {
            try await watch.ledger().reserved == 0
        }
        let ledger = try await watch.ledger()
        let journal = try await watch.journalMicros()
        verdict.figure("spent_micros", ledger.spent)
        verdict.figure("debt_micros", ledger.debt)
        verdict.figure("journal_micros", journal)
        verdict.figure("ledger_off_micros", ledger.spent + ledger.debt - journal)
        verdict.expect(
            journal > 0 && ledger.spent + ledger.debt == journal, "the ledger is the journal, to the micro-dollar",
            "\(ledger.spent) spent and \(ledger.debt) of debt, \(journal) in the journal")
        verdict.expect(
            ledger.reserved == 0 && ledger.ofSessions == 0, "what was reserved is released",
            "\(ledger.reserved), \(ledger.ofSessions)")
        let (checked, broken) = try await watch.invariant()
        verdict.figure("commits_checked", checked)
        verdict.figure("commits_broken", broken)
        verdict.expect(
            checked > 0 && broken == 0, "in every committed state spent and reserved are within the cap",
            "\(broken) of \(checked)")
    }
}
