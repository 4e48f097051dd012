import Foundation
import InterviewCore
import NIOPosix
import ParticipantLoad

/// Many participants who talk at the same time, and what happens to their lines.
struct RejoinParty: Sendable {
    struct Guest: Sendable {
        let session: String
        let participant: Participant
        let running: Task<ParticipantReport, Never>
    }

    let rig: Rig
    let voice: PreparedVoice
    let guests: [Guest]
    /// The guests' first provider connections, in their order.
    let connections: [Int]
    private let seed: UInt64

    /// How long a line stays away.
    private static let away: ClosedRange<Int> = 200...6_000
    private static let backWithin: Duration = .seconds(30)

    /// How they talk: at random times.
    struct Manner: Sendable {
        var thinkMilliseconds: ClosedRange<Int> = 300...1_200
        /// Forgets what is not acknowledged when the line breaks.
        var forgetful = false
    }

    /// One joins after the other, so that it is known whose provider connection is whose. `study` nil: the drill's own.
    static func join(
        _ rig: Rig, count: Int, seed: UInt64, _ manner: Manner, study: String? = nil
    ) async throws -> RejoinParty {
        let recordings = VoiceLibrary.installed(languages: ["en", "es", "fr"]).prefix(16)
        guard recordings.count > 3 else { throw DrillError.missing("recorded voices (asterisk-core-sounds-en-wav …)") }
        let voice = try PreparedVoice(VoiceLibrary.load(Array(recordings)), format: .pcm)
        var guests: [Guest] = []
        var connections: [Int] = []
        for index in 0..<count {
            let ticket = try await rig.createSession(study: study ?? rig.plan.study)
            var settings = ParticipantSettings(
                session: ticket.id, token: ticket.token, address: ticket.media, up: .pcm, down: .opus,
                style: .turns(TurnHabits(thinkMilliseconds: manner.thinkMilliseconds, patienceMilliseconds: 15_000)),
                seed: seed &+ UInt64(index))
            settings.firstClip = index
            settings.keepsCapture = true
            settings.forgetsOnLoss = manner.forgetful
            let participant = Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
            guests.append(
                Guest(session: ticket.id, participant: participant, running: Task { await participant.run() }))
            try await eventually("the provider connection of participant \(index)", within: .seconds(10)) {
                let opened = try await SimulatorWitness.read(rig).connections.filter { !connections.contains($0) }
                connections += opened
                return connections.count == index + 1
            }
        }
        Progress.say("\(count) participants talk")
        return RejoinParty(rig: rig, voice: voice, guests: guests, connections: connections, seed: seed)
    }

    func stop() async { for guest in guests { await guest.participant.stop() } }

    // MARK: What happens

    /// Each line breaks several times: at any moment, in mid-word, in mid-answer.
    func cutLines(times: Int, _ verdict: inout Verdict) async throws {
        Progress.say("cutting each line \(times) times")
        await withTaskGroup(of: Void.self) { group in
            for (index, guest) in guests.enumerated() {
                group.addTask {
                    var chance = SeededChance(seed: seed &* 1_000 &+ UInt64(index))
                    for cut in 0..<times {
                        try? await Task.sleep(for: .milliseconds(Int.random(in: 800...2_500, using: &chance)))
                        await Self.moment(cut + index, guest.participant)
                        await guest.participant.cutLine(for: .milliseconds(Int.random(in: Self.away, using: &chance)))
                        try? await eventually("a way back", within: Self.backWithin) {
                            await guest.participant.isLive
                        }
                    }
                }
            }
        }
        try await everybodyLive("cuts")
        try await talk(for: 2)
        let reports = await progress()
        verdict.figure("cuts", times * guests.count)
        verdict.expect(
            reports.allSatisfy { $0.connections == times + 1 }, "cuts: everybody came back from every cut",
            "\(reports.map(\.connections))")
        verdict.expect(
            reports.allSatisfy { $0.resends.allSatisfy(\.resumed) }, "cuts: every return was a resumed one")
        verdict.expect(
            reports.allSatisfy { $0.refusals == 0 && $0.closeCodes.isEmpty }, "cuts: no rejoin failed",
            "\(reports.map(\.errors))")
    }

    /// Waits for a moment of the kind that `number` asks for; not longer than a turn takes.
    private static func moment(_ number: Int, _ participant: Participant) async {
        switch number % 3 {
        case 0: try? await eventually("a word", within: .seconds(8)) { await participant.isSpeaking }
        case 1: try? await eventually("an answer", within: .seconds(8)) { await participant.isHearing }
        default: break
        }
    }

    /// The end of an owner, as far as its guests are concerned.
    struct Kill: Sendable {
        struct Mark: Sendable {
            /// The epoch that ended.
            var epoch: Int
            /// Frames captured a second before.
            var captured: Int
            /// Frames captured at that moment: how long the guest had talked.
            var talked: Int
            /// The oldest frame that was kept when the owner was gone.
            var kept: UInt32?
            /// Frames captured when everybody was back.
            var back: Int
            /// Connections that had been welcomed by then.
            var connections: Int
        }
        /// By guest; nil: another's.
        var marks: [Mark?]
        /// Milliseconds of the simulator's log.
        var at: Double
        /// The instance that owned them.
        var owner: String?
    }

    /// SIGKILL while all talk, and another process in its place `pause` later. Returns when everybody is back, but not
    /// before that.
    func kill(_ slot: DaemonSlot, restartAfter pause: Duration = .zero, _ verdict: inout Verdict) async throws -> Kill {
        try await lose(slot, &verdict) { slot in
            slot.process.send(SIGKILL)
            _ = await slot.process.exit(within: .seconds(5))
        } then: { slot in
            try await Task.sleep(for: pause)
            try await rig.restart(slot)
        }
    }

    /// Its guests lose their owner by `strike`; then `after` happens, and everybody is waited for.
    func lose(
        _ slot: DaemonSlot, _ verdict: inout Verdict, by strike: (DaemonSlot) async throws -> Void,
        then after: (DaemonSlot) async throws -> Void = { _ in }
    ) async throws -> Kill {
        let store = try StoreWitness(rig)
        let before = await progress().map(\.captured.count)
        try await talk(for: 1)
        let owner = try await store.instance(at: slot)
        let rows = try await store.rows(guests.map(\.session))
        let live = await liveCount()
        verdict.expect(live == guests.count, "kill: all are live", "\(live)")
        var kill = try await mark(rows: rows, owner: owner, captured: before) { try await strike(slot) }
        Progress.say("daemon \(slot.number) lost with \(kill.marks.count { $0 != nil }) of \(live) guests")
        try await after(slot)
        // Who stands still closes no line: the others notice it only after 3 s.
        try await everybodyLive("kill") { index, report in
            kill.marks[index].map { report.connections > $0.connections } ?? true
        }
        let reports = await progress()
        for index in kill.marks.indices { kill.marks[index]?.back = reports[index].captured.count }
        verdict.expect(
            zip(kill.marks, reports).allSatisfy { mark, report in
                report.outcome == nil && (mark == nil || report.resends.last?.resumed == true)
            }, "kill: everybody is back and resumed")
        return kill
    }

    /// SIGKILL while the store cannot be asked: `rows` and `owner` are from before. Waits for nobody.
    func lose(_ slot: DaemonSlot, rows: [String: StoreWitness.Row], owner: String?) async throws -> Kill {
        let before = await progress().map(\.captured.count)
        try await talk(for: 1)
        return try await mark(rows: rows, owner: owner, captured: before) {
            slot.process.send(SIGKILL)
            _ = await slot.process.exit(within: .seconds(5))
        }
    }

    private func mark(
        rows: [String: StoreWitness.Row], owner: String?, captured: [Int], _ strike: () async throws -> Void
    ) async throws -> Kill {
        let at = try await SimulatorWitness.read(rig).lastMilliseconds
        let reports = await progress()
        try await strike()
        var kill = Kill(marks: [], at: at, owner: owner)
        for (index, guest) in guests.enumerated() {
            guard let row = rows[guest.session], row.owner == owner else {
                kill.marks.append(nil)
                continue
            }
            kill.marks.append(
                Kill.Mark(
                    epoch: row.epoch, captured: captured[index], talked: reports[index].captured.count,
                    kept: await guest.participant.oldestKept, back: 0, connections: reports[index].connections))
        }
        return kill
    }

    /// The process stands still for longer than a line may be silent; what was sent meanwhile is read in one piece.
    func freeze(for length: Duration, _ verdict: inout Verdict) async throws {
        Progress.say("frozen for \(length)")
        rig.daemon.send(SIGSTOP)
        try await Task.sleep(for: length)
        rig.daemon.send(SIGCONT)
        try await Task.sleep(for: .seconds(1))
        try await everybodyLive("freeze")
        let live = await liveCount()
        verdict.expect(live == guests.count, "freeze: everybody is back", "\(live)")
    }

    func talk(for seconds: Int) async throws { try await Task.sleep(for: .seconds(seconds)) }
    func talk(forMilliseconds length: Int) async throws { try await Task.sleep(for: .milliseconds(length)) }

    /// Everybody falls silent, what is still to be sent is sent, then all leave.
    func end(_ verdict: inout Verdict) async throws -> [ParticipantReport] {
        for guest in guests { await guest.participant.mute(true) }
        try await eventually("the last frames to be sent", within: .seconds(240)) {
            for guest in guests where await guest.participant.unsent > 0 { return false }
            return true
        }
        // The last turn gets its transcript.
        try await talk(for: 3)
        for guest in guests { await guest.participant.leave() }
        var reports: [ParticipantReport] = []
        for guest in guests { reports.append(await guest.running.value) }
        verdict.expect(
            reports.allSatisfy { $0.outcome == .ended(reason: "participant_left") }, "everybody leaves in peace",
            "\(reports.map { String(describing: $0.outcome) })")
        return reports
    }

    // MARK: Asked

    func progress() async -> [ParticipantReport] {
        var reports: [ParticipantReport] = []
        for guest in guests { reports.append(await guest.participant.progress) }
        return reports
    }

    func liveCount() async -> Int {
        var count = 0
        for guest in guests where await guest.participant.isLive { count += 1 }
        return count
    }

    func everybodyLive(
        _ what: String, where holds: (Int, ParticipantReport) -> Bool = { _, _ in true }
    ) async throws {
        var missing: [String] = []
        do {
            try await eventually("\(what): everybody to be back", within: Self.backWithin) {
                missing = []
                for (index, guest) in guests.enumerated() {
                    let (report, isLive) = await guest.participant.standing
                    guard !isLive || !holds(index, report) else { continue }
                    missing.append("\(index): \(String(describing: report.outcome)) \(report.errors)")
                }
                return missing.isEmpty
            }
        } catch {
            for line in missing.prefix(10) { Progress.say("  not back, participant \(line)") }
            throw error
        }
    }
}
