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

    /// One joins after the other, so that it is known whose provider connection is whose.
    static func join(_ rig: Rig, count: Int, seed: UInt64, forgetful: Bool) async throws -> RejoinParty {
        let recordings = VoiceLibrary.installed(languages: ["en", "es", "fr"]).prefix(16)
        guard recordings.count > 3 else { throw DrillError.missing("recorded voices (asterisk-core-sounds-en-wav …)") }
        let voice = try PreparedVoice(VoiceLibrary.load(Array(recordings)), format: .pcm)
        var guests: [Guest] = []
        var connections: [Int] = []
        for index in 0..<count {
            let ticket = try await rig.createSession()
            var settings = ParticipantSettings(
                session: ticket.id, token: ticket.token, address: ticket.media, up: .pcm, down: .opus,
                style: .turns(TurnHabits(thinkMilliseconds: 300...1_200, patienceMilliseconds: 15_000)),
                seed: seed &+ UInt64(index))
            settings.firstClip = index
            settings.keepsCapture = true
            settings.forgetsOnLoss = forgetful
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

    struct Kill: Sendable {
        /// Frames that each had captured a second before.
        var captured: [Int]
        /// Frames that each had captured at the kill: how long each had talked.
        var talked: [Int]
        /// The oldest frame that each kept when the process was gone.
        var kept: [UInt32?]
        /// Milliseconds of the simulator's log.
        var at: Double
    }

    /// SIGKILL while all talk, and another process on the same file.
    func killAndRestart(_ verdict: inout Verdict) async throws -> Kill {
        let captured = await progress().map(\.captured.count)
        try await talk(for: 1)
        let before = try await SimulatorWitness.read(rig)
        let live = await liveCount()
        let talked = await progress().map(\.captured.count)
        rig.daemon.send(SIGKILL)
        Progress.say("killed with \(live) live")
        verdict.expect(live == guests.count, "kill: all are live", "\(live)")
        _ = await rig.daemon.exit(within: .seconds(5))
        var kept: [UInt32?] = []
        for guest in guests { kept.append(await guest.participant.oldestKept) }
        try await rig.restartDaemon()
        try await everybodyLive("kill")
        let reports = await progress()
        verdict.expect(
            reports.allSatisfy { $0.outcome == nil && $0.resends.last?.resumed == true },
            "kill: everybody is back and resumed")
        return Kill(captured: captured, talked: talked, kept: kept, at: before.entries.last?.ms ?? 0)
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

    /// Everybody falls silent, what is still to be sent is sent, then all leave.
    func end(_ verdict: inout Verdict) async throws -> [ParticipantReport] {
        for guest in guests { await guest.participant.mute(true) }
        try await eventually("the last frames to be sent", within: .seconds(20)) {
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

    private func progress() async -> [ParticipantReport] {
        var reports: [ParticipantReport] = []
        for guest in guests { reports.append(await guest.participant.progress) }
        return reports
    }

    private func liveCount() async -> Int {
        var count = 0
        for guest in guests where await guest.participant.isLive { count += 1 }
        return count
    }

    private func everybodyLive(_ what: String) async throws {
        try await eventually("\(what): everybody to be back", within: Self.backWithin) {
            await liveCount() == guests.count
        }
    }
}
