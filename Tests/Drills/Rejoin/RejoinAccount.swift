import InterviewCore
import ParticipantLoad

/// What participants said and heard, against the simulator's recordings and the journals.
struct RejoinAccount {
    let rig: Rig
    let party: RejoinParty
    let reports: [ParticipantReport]
    let kill: RejoinParty.Kill

    /// A turn that was complete so long before the kill must be in the journal (200 ms are promised).
    private static let commitWithin = 500.0

    /// Seconds; 2 s are the time between two writes.
    private static let recordingMayLose = 2.5

    func compare(_ verdict: inout Verdict) async throws {
        let witness = try await SimulatorWitness.read(rig)
        compareLines(&verdict)
        compareFirst(witness, &verdict)
        let journals = try await journals()
        compareSecond(witness, journals, &verdict)
        compareTurns(witness, journals, &verdict)
        try await compareRecordings(&verdict)
    }

    /// What the killed process had recorded plays to a moment before the kill, by programs that are not ours.
    private func compareRecordings(_ verdict: inout Verdict) async throws {
        var lost: [Double] = []
        for (index, guest) in party.guests.enumerated() {
            let recording = try await RecordingWitness(folder: rig.recordingsFolder(guest.session), epoch: 1)
            let talked = Double(kill.talked[index]) * 0.020
            for program in [\RecordingWitness.Part.ffprobe, \.opusinfo] {
                // One of the tracks may end earlier: who says nothing has no sound there.
                lost.append(talked - (recording.lengths(program).max() ?? 0))
            }
        }
        let worst = lost.max() ?? .infinity
        verdict.figure("recording_lost_ms", Int(worst * 1_000))
        verdict.expect(
            worst <= Self.recordingMayLose, "kill: each recording plays up to 2.5 s before it", "\(worst) s are missing"
        )
    }

    private func compareLines(_ verdict: inout Verdict) {
        let took = reports.flatMap(\.rejoinsTook).map { $0 / .milliseconds(1) }.sorted()
        verdict.figure("rejoins", took.count)
        if let longest = took.last {
            verdict.figure("rejoin_p95_ms", took[(took.count - 1) * 95 / 100])
            verdict.figure("rejoin_max_ms", longest)
        }
        let tooFast = reports.reduce(0) { $0 + ($1.errors["too_fast"] ?? 0) }
        verdict.figure("too_fast", tooFast)
        verdict.expect(tooFast == 0, "nobody who keeps the protocol is too fast", "\(tooFast)")
        let wrong = reports.reduce(0) { $0 + ($1.closeCodes[4000] ?? 0) + ($1.closeCodes[1009] ?? 0) }
        verdict.expect(wrong == 0, "no line is closed as wrong", "\(reports.map(\.closeCodes))")
        verdict.expect(
            reports.allSatisfy { $0.malformedMessages == 0 && $0.down.timestampsBack == 0 && $0.down.repeated == 0 },
            "downwards nothing comes twice or goes back")
    }

    // MARK: Sound

    /// Up to a second before the kill: through all cuts, on one provider connection.
    private func compareFirst(_ witness: SimulatorWitness, _ verdict: inout Verdict) {
        var (missing, total, whole) = (0, 0, 0)
        for (index, report) in reports.enumerated() {
            let captured = report.captured.prefix(kill.captured[index])
            let comparison = CaptureComparison(
                frames: CaptureComparison.frames(of: captured, party.voice), captured: captured,
                heard: witness.heard(party.connections[index]))
            missing += comparison.missingMilliseconds
            total += comparison.total
            whole += comparison.total > 0 && comparison.matched == comparison.total ? 1 : 0
            if comparison.missing > 0 {
                Progress.say("  participant \(index): \(Self.story(comparison, report))")
            }
        }
        verdict.figure("audio_missing_ms", missing)
        verdict.figure("frames_compared", total)
        verdict.expect(
            missing == 0 && whole == reports.count, "cuts: the provider heard every frame in order",
            "\(missing) ms are missing, \(whole) of \(reports.count) whole")
    }

    /// After the restart: from the last committed turn on, on one new provider connection.
    private func compareSecond(
        _ witness: SimulatorWitness, _ journals: [[StoreWitness.Line]], _ verdict: inout Verdict
    ) {
        let opened = witness.connections.filter { !party.connections.contains($0) }
        verdict.expect(
            opened.count == reports.count, "kill: one new provider connection each, also over the freeze",
            "\(opened.count)")
        let sounds = opened.map { witness.heard($0) }
        var (missing, total, whole, words) = (0, 0, 0, 0)
        for (index, report) in reports.enumerated() {
            let end = journals[index].last { $0.epoch == 1 && $0.body.captureEnd != nil }?.body.captureEnd
            let open = report.captured.drop { frame in
                end.map { SerialNumber.isAfter($0, frame.timestamp) } ?? false
            }
            // Silence behind the last turn may be acknowledged, and is forgotten then; a word never.
            let wanted = open.drop { frame in
                kill.kept[index].map { SerialNumber.isAfter($0, frame.timestamp) } ?? false
            }
            words += open.prefix(open.count - wanted.count).count { frame in
                if case .speech = frame.source { true } else { false }
            }
            let frames = CaptureComparison.frames(of: wanted, party.voice)
            let best = sounds.map { CaptureComparison(frames: frames, captured: wanted, heard: $0) }
                .max { $0.matched < $1.matched }
            guard let best else { continue }
            missing += best.missingMilliseconds
            total += best.total
            whole += best.total > 0 && best.matched == best.total ? 1 : 0
            if best.missing > 0 {
                Progress.say("  participant \(index), after the kill: \(Self.story(best, report))")
            }
        }
        verdict.figure("audio_missing_after_kill_ms", missing)
        verdict.figure("frames_compared_after_kill", total)
        verdict.expect(words == 0, "kill: no word was forgotten that no turn holds", "\(words * 20) ms")
        verdict.expect(
            missing == 0 && whole == reports.count,
            "kill: what no committed turn holds was heard by the new connection",
            "\(missing) ms are missing, \(whole) of \(reports.count) whole")
    }

    private static func story(_ comparison: CaptureComparison, _ report: ParticipantReport) -> String {
        let first = report.captured.first?.timestamp ?? 0
        let places = comparison.losses.prefix(5).map { "\(SerialNumber.distance(from: first, to: $0) / 48) ms" }
        return "\(comparison.missing) of \(comparison.total) frames missing, first at \(places), "
            + "\(comparison.strangers) strange samples, \(report.connections) connections"
    }

    // MARK: Turns

    private func journals() async throws -> [[StoreWitness.Line]] {
        let store = try StoreWitness(rig.databasePath)
        var all: [[StoreWitness.Line]] = []
        for guest in party.guests { all.append(try await store.journal(guest.session)) }
        return all
    }

    private func compareTurns(
        _ witness: SimulatorWitness, _ journals: [[StoreWitness.Line]], _ verdict: inout Verdict
    ) {
        var (doubled, lost, finished, saidTwice) = (0, 0, 0, 0)
        for (index, journal) in journals.enumerated() {
            let texts = journal.filter { $0.kind == "turn" }.compactMap(\.body.text)
            // What was broken off may be said again: the model is told how little of it was heard.
            let whole = journal.filter { $0.kind == "turn" && $0.body.heardMilliseconds == nil }.compactMap(\.body.text)
            doubled += whole.count - Set(whole).count
            let due = Self.finished(witness, party.connections[index], before: kill.at - Self.commitWithin)
            finished += due.count
            let absent = due.filter { !texts.contains($0) }
            lost += absent.count
            if !absent.isEmpty { Progress.say("  participant \(index): not in the journal: \(absent)") }
            saidTwice += Self.saidTwice(witness, party.connections[index])
        }
        verdict.figure("turns", journals.reduce(0) { $0 + $1.count { $0.kind == "turn" } })
        verdict.figure("turns_finished_before_kill", finished)
        verdict.figure("turns_doubled", doubled)
        verdict.figure("turns_lost", lost)
        verdict.expect(finished > 0, "turns were finished before the kill")
        verdict.expect(doubled == 0, "no turn is twice in a journal", "\(doubled)")
        verdict.expect(lost == 0, "every turn finished before the kill is in the journal", "\(lost)")
        verdict.expect(saidTwice == 0, "the provider gave no answer twice", "\(saidTwice)")
    }

    /// Answer N belongs to turn N. One that nobody heard (taken back) or that was broken off may be given again.
    private static func saidTwice(_ witness: SimulatorWitness, _ connection: Int) -> Int {
        let takenBack = Set(
            (witness.of(connection, "item_deleted") + witness.of(connection, "truncated")).compactMap(\.item))
        let said = witness.of(connection, "said").filter { !takenBack.contains($0.item ?? "") }
            .compactMap(\.text).filter { !$0.isEmpty }
        return said.count - Set(said).count
    }

    /// The participant's turns with their transcript, in the order of their commits up to the first without one: the
    /// journal keeps that order.
    private static func finished(_ witness: SimulatorWitness, _ connection: Int, before: Double) -> [String] {
        let transcripts = Dictionary(
            witness.of(connection, "user_transcript").filter { $0.ms < before }.map { ($0.item ?? "", $0.text ?? "") },
            uniquingKeysWith: { first, _ in first })
        var texts: [String] = []
        for turn in witness.of(connection, "committed") {
            guard let text = transcripts[turn.item ?? ""] else { break }
            texts.append(text)
        }
        // The last may wait behind an answer that is still being played.
        return Array(texts.dropLast())
    }
}
