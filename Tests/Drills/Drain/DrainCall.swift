import Foundation
import InterviewCore
import ParticipantLoad

/// One call that is under way when its process is told to end.
struct DrainCall {
    let scenario: DrainScenario
    let rig: Rig

    private var name: String { scenario.rawValue }
    /// An exit that is due is judged by this; the figure says what it was.
    private static let exitWithin: Duration = .seconds(3)
    private static let longestCall: Duration = .seconds(60)

    func hold(_ verdict: inout Verdict) async throws {
        let ticket = try await rig.createSession()
        let spare = try await rig.createSession()
        let caller = try Caller(
            ticket, up: .opus, recordings: [Caller.english, Caller.spanish], rounds: scenario == .finish ? 2 : nil)
        let participant = caller.participant
        let running = Task { await participant.run() }
        defer { Task { await participant.stop() } }
        // In mid-call: greeting, a turn, and the answer to it has begun.
        try await eventually("the answer to the first turn", within: Self.longestCall) {
            await participant.itemsAnnounced >= 2
        }
        rig.daemon.send(Sabotage.isOn ? SIGKILL : SIGTERM)
        let signalled = ContinuousClock.now
        try await expectDraining(spare, participant, &verdict)
        switch scenario {
        case .finish: try await finish(running, ticket, &verdict)
        case .deadline: try await forced(participant, running, ticket, since: signalled, &verdict)
        case .skip:
            try await Task.sleep(for: max(.zero, .milliseconds(1_200) - (.now - signalled)))
            rig.daemon.send(SIGTERM)
            try await forced(participant, running, ticket, since: .now, &verdict)
        }
    }

    /// Readiness goes, life stays, nobody new gets in, by a question or by a real attempt.
    private func expectDraining(
        _ spare: JoinTicket, _ participant: Participant, _ verdict: inout Verdict
    ) async throws {
        try? await eventually("readiness to go", within: .seconds(2)) { await rig.health("/readyz") == 503 }
        let (ready, alive) = (await rig.health("/readyz"), await rig.health("/livez"))
        verdict.expect(ready == 503, "\(name): /readyz is 503", "\(ready ?? 0)")
        verdict.expect(alive == 200, "\(name): /livez stays 200", "\(alive ?? 0)")
        let asked = try? await rig.http.get(
            spare.media, "/v1/sessions/\(spare.id)/media", headers: [("Authorization", "Bearer \(spare.token)")])
        verdict.expect(
            asked?.status == 503 && Int(asked?.header("retry-after") ?? "") != nil,
            "\(name): a new join that asks is refused 503 with Retry-After",
            "\(asked?.status ?? 0) \(asked?.header("retry-after") ?? "without")")
        let stranger = try Caller(spare, up: .opus, recordings: [Caller.alsa], rounds: 1, patience: .zero)
        let refused = await stranger.participant.run()
        if case .refused(503, let code) = refused.outcome {
            verdict.expect(code == "draining", "\(name): a new join that comes is refused draining", code)
        } else {
            verdict.fail("\(name): a new join that comes is refused: \(String(describing: refused.outcome))")
        }
        let stays = await participant.isLive
        verdict.expect(stays, "\(name): the call goes on")
    }

    // MARK: It ends by itself

    private func finish(
        _ running: Task<ParticipantReport, Never>, _ ticket: JoinTicket, _ verdict: inout Verdict
    ) async throws {
        let report = await running.value
        let ended = ContinuousClock.now
        verdict.expect(
            report.outcome == .ended(reason: "completed"), "\(name): the call ends naturally",
            "\(String(describing: report.outcome)) \(report.errors)")
        await expectExit(since: ended, &verdict)
        let row = try await StoreWitness(rig).row(ticket.id)
        verdict.expect(
            row?.state == "ended" && row?.reason == "completed", "\(name): the row says completed",
            "\(row?.state ?? "none") \(row?.reason ?? "")")
        try await expectRecording(ticket, report, &verdict)
    }

    // MARK: It is ended

    private func forced(
        _ participant: Participant, _ running: Task<ParticipantReport, Never>, _ ticket: JoinTicket,
        since start: ContinuousClock.Instant, _ verdict: inout Verdict
    ) async throws {
        try await eventually("the call to be closed", within: .seconds(10)) {
            await participant.progress.closeCodes.isEmpty == false
        }
        verdict.figure("\(name)_closed_after_ms", (.now - start) / .milliseconds(1))
        let lasted = await participant.sinceWelcome
        let ended = ContinuousClock.now
        await expectExit(since: ended, &verdict)
        await participant.stop()
        var report = await running.value
        report.lasted = lasted
        verdict.expect(
            report.byes == ["restart"] && report.lastRejoinIn != nil,
            "\(name): the participant is told to come back, and when",
            "\(report.byes) \(String(describing: report.lastRejoinIn))")
        verdict.expect(report.closeCodes == [1012: 1], "\(name): by 1012", "\(report.closeCodes)")
        let store = try StoreWitness(rig)
        let row = try await store.row(ticket.id)
        verdict.expect(
            row?.state == "interrupted" && row?.owner == nil, "\(name): the row says interrupted, owned by nobody",
            "\(row?.state ?? "none") \(row?.owner ?? "")")
        try await expectJournal(try await store.journal(ticket.id), &verdict)
        try await expectRecording(ticket, report, &verdict)
    }

    private func expectExit(since: ContinuousClock.Instant, _ verdict: inout Verdict) async {
        let exit = await rig.daemon.exit(within: .seconds(10))
        let took = exit.map { $0.at - since } ?? .seconds(10)
        verdict.figure("\(name)_exit_after_ms", max(0, took / .milliseconds(1)))
        verdict.expect(exit?.code == 0, "\(name): exit code 0", "\(String(describing: exit))")
        verdict.expect(took <= Self.exitWithin, "\(name): at once after the call", "\(took)")
    }

    /// Every turn that was over half a second before the provider's connection was closed is in the journal, in order.
    private func expectJournal(_ journal: [StoreWitness.Line], _ verdict: inout Verdict) async throws {
        let witness = try await SimulatorWitness.read(rig)
        guard let connection = witness.connections.first, let closed = witness.of(connection, "closed").first else {
            verdict.fail("\(name): the provider's connection was closed")
            return
        }
        let finished = Self.finishedTurns(witness, connection, before: closed.ms - 500)
        let turns = journal.filter { $0.kind == "turn" }
            .map { SimulatorWitness.Turn(speaker: $0.body.speaker ?? "", text: $0.body.text) }
        verdict.figure("\(name)_turns_finished", finished.count)
        verdict.figure("\(name)_turns_written", turns.count)
        verdict.expect(
            finished.count >= 2 && Array(turns.prefix(finished.count)) == finished,
            "\(name): all finished turns are in the journal",
            "\(turns.map(\.speaker)) against \(finished.map(\.speaker))")
    }

    /// A turn of the participant is finished with its transcript; one of the agent when the participant, who listens to
    /// the end, has begun to speak after it.
    private static func finishedTurns(
        _ witness: SimulatorWitness, _ connection: Int, before: Double
    ) -> [SimulatorWitness.Turn] {
        let entries = witness.entries.filter { $0.connection == connection && $0.ms <= before }
        let lastSpeech = entries.last { $0.kind == "speech_started" }?.ms ?? 0
        var finished = 0
        for entry in witness.entries where entry.connection == connection {
            switch entry.kind {
            case "committed":
                guard entries.contains(where: { $0.kind == "user_transcript" && $0.item == entry.item }) else {
                    return Array(witness.turns(connection).prefix(finished))
                }
                finished += 1
            case "said" where entry.text?.isEmpty == false:
                guard entry.ms < lastSpeech else { return Array(witness.turns(connection).prefix(finished)) }
                finished += 1
            default: break
            }
        }
        return Array(witness.turns(connection).prefix(finished))
    }

    private func expectRecording(
        _ ticket: JoinTicket, _ report: ParticipantReport, _ verdict: inout Verdict
    ) async throws {
        let recording = try await RecordingWitness(folder: rig.recordingsFolder(ticket.id))
        let lengths = recording.lengths(\.ffprobe) + recording.lengths(\.opusinfo)
        let call = report.lasted.map { $0 / .seconds(1) } ?? 0
        let off = lengths.map { abs($0 - call) }.max() ?? .infinity
        if off.isFinite { verdict.figure("\(name)_recording_off_ms", off * 1_000) }
        verdict.expect(
            lengths.count == 4 && off <= 0.2, "\(name): the recording plays to the end of the call",
            "\(lengths) against \(call)")
    }
}
