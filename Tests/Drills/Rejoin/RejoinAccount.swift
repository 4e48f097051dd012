import InterviewCore
import ParticipantLoad

/// What participants said and heard, against the simulator's recordings and the journals: through the loss of their
/// owners, each of which begins a new provider connection.
struct RejoinAccount {
    let rig: Rig
    let party: RejoinParty
    let reports: [ParticipantReport]
    let kills: [RejoinParty.Kill]
    /// Nothing is sooner than the last seconds of a drill: what is finished before them must be in the journals too.
    var endedAt: Double?
    /// Provider connections that were somebody else's.
    var strangers = 0

    /// A turn that was complete so long before the kill must be in the journal (200 ms are promised).
    static let commitWithin = 500.0

    /// Seconds; 2 s are the time between two writes.
    private static let recordingMayLose = 2.5

    func compare(_ verdict: inout Verdict) async throws {
        let witness = try await SimulatorWitness.read(rig)
        compareLines(&verdict)
        let (journals, late) = try await journals()
        let connections = GuestConnections(
            witness, first: party.connections, journals: zip(journals, late).map { $0 + $1 })
        let whole = reports.indices.allSatisfy { connections.all[$0].count == marks($0).count + 1 }
        verdict.expect(
            whole && connections.unknown.count == strangers,
            "one provider connection for each owner, also over cuts and sleep",
            "\(connections.all.map(\.count)), \(connections.unknown.count) of nobody")
        compareSound(witness, connections, journals, &verdict)
        compareTurns(witness, connections, journals, &verdict)
        try await compareRecordings(&verdict)
    }

    /// The kills that concerned a guest.
    private func marks(_ guest: Int) -> [(mark: RejoinParty.Kill.Mark, at: Double)] {
        kills.compactMap { kill in kill.marks[guest].map { ($0, kill.at) } }
    }

    /// What a killed process had recorded plays to a moment before the kill, by programs that are not ours.
    private func compareRecordings(_ verdict: inout Verdict) async throws {
        var lost: [Double] = []
        for (index, guest) in party.guests.enumerated() {
            var began = 0
            for (mark, _) in marks(index) {
                let recording = try await RecordingWitness(
                    folders: rig.recordingsFolders(guest.session), epoch: mark.epoch)
                let talked = Double(mark.talked - began) * 0.020
                began = mark.back
                for program in [\RecordingWitness.Part.ffprobe, \.opusinfo] {
                    // One of the tracks may end earlier: who says nothing has no sound there.
                    lost.append(talked - (recording.lengths(program).max() ?? 0))
                }
            }
        }
        guard !lost.isEmpty else { return }
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

    private struct Heard {
        var missing = 0
        var total = 0
        /// Stretches of which every frame was heard in order, of all.
        var whole = 0
        var stretches = 0
        /// Frames with a word that was forgotten though no turn holds it.
        var words = 0
    }

    /// Up to a second before a loss on one connection; from the last committed turn on, on the next.
    private func compareSound(
        _ witness: SimulatorWitness, _ connections: GuestConnections, _ journals: [[StoreWitness.Line]],
        _ verdict: inout Verdict
    ) {
        var (before, after) = (Heard(), Heard())
        for index in reports.indices {
            let marks = marks(index)
            for (number, connection) in connections.all[index].prefix(marks.count + 1).enumerated() {
                let end = number < marks.count ? marks[number].mark.captured : reports[index].captured.count
                let sound = witness.heard(connection)
                if number == 0 {
                    compare(index, reports[index].captured.prefix(end), sound, "at first", &before)
                } else {
                    let mark = marks[number - 1].mark
                    let wanted = wanted(index, after: mark, journals[index], to: end, &after)
                    if !wanted.isEmpty { compare(index, wanted, sound, "after loss \(number)", &after) }
                }
            }
        }
        verdict.figure("audio_missing_ms", before.missing + after.missing)
        verdict.figure("audio_missing_after_kill_ms", after.missing)
        verdict.figure("frames_compared", before.total + after.total)
        verdict.figure("frames_compared_after_kill", after.total)
        verdict.expect(
            before.missing == 0 && before.whole == reports.count, "the first connection heard every frame in order",
            "\(before.missing) ms are missing, \(before.whole) of \(reports.count) whole")
        guard !kills.isEmpty else { return }
        verdict.expect(after.words == 0, "kill: no word was forgotten that no turn holds", "\(after.words * 20) ms")
        verdict.expect(
            after.missing == 0 && after.whole == after.stretches && after.stretches > 0,
            "kill: what no committed turn holds was heard by the new connection",
            "\(after.missing) ms are missing, \(after.whole) of \(after.stretches) whole")
    }

    private func compare(
        _ index: Int, _ captured: ArraySlice<ParticipantReport.Capture>, _ sound: [Int16], _ when: String,
        _ heard: inout Heard
    ) {
        let comparison = CaptureComparison(
            frames: CaptureComparison.frames(of: captured, party.voice), captured: captured, heard: sound)
        heard.missing += comparison.missingMilliseconds
        heard.total += comparison.total
        heard.stretches += 1
        heard.whole += comparison.total > 0 && comparison.matched == comparison.total ? 1 : 0
        if comparison.missing > 0 {
            Progress.say("  participant \(index), \(when): \(Self.story(comparison, reports[index]))")
        }
    }

    /// The frames that the owner after `mark` has to hear.
    private func wanted(
        _ index: Int, after mark: RejoinParty.Kill.Mark, _ journal: [StoreWitness.Line], to last: Int,
        _ heard: inout Heard
    ) -> ArraySlice<ParticipantReport.Capture> {
        let end = journal.last { $0.epoch <= mark.epoch && $0.body.captureEnd != nil }?.body.captureEnd
        let open = reports[index].captured.prefix(last).drop { frame in
            end.map { SerialNumber.isAfter($0, frame.timestamp) } ?? false
        }
        // Silence behind the last turn may be acknowledged, and is forgotten then; a word never.
        let wanted = open.drop { frame in mark.kept.map { SerialNumber.isAfter($0, frame.timestamp) } ?? false }
        heard.words += open.prefix(open.count - wanted.count).count { frame in
            if case .speech = frame.source { true } else { false }
        }
        return wanted
    }

    private static func story(_ comparison: CaptureComparison, _ report: ParticipantReport) -> String {
        let first = report.captured.first?.timestamp ?? 0
        let places = comparison.losses.prefix(5).map { "\(SerialNumber.distance(from: first, to: $0) / 48) ms" }
        return "\(comparison.missing) of \(comparison.total) frames missing, first at \(places), "
            + "\(comparison.strangers) strange samples, \(report.connections) connections"
    }

    // MARK: Turns

    private func journals() async throws -> (journals: [[StoreWitness.Line]], late: [[StoreWitness.Line]]) {
        let store = try StoreWitness(rig)
        var all: (journals: [[StoreWitness.Line]], late: [[StoreWitness.Line]]) = ([], [])
        for guest in party.guests {
            all.journals.append(try await store.journal(guest.session))
            all.late.append(try await store.lateJournal(guest.session))
        }
        return all
    }

    private func compareTurns(
        _ witness: SimulatorWitness, _ connections: GuestConnections, _ journals: [[StoreWitness.Line]],
        _ verdict: inout Verdict
    ) {
        var (doubled, lost, finished, saidTwice) = (0, 0, 0, 0)
        for (index, journal) in journals.enumerated() {
            let texts = journal.filter { $0.kind == "turn" }.compactMap(\.body.text)
            // What was broken off may be said again: the model is told how little of it was heard.
            let whole = journal.filter { $0.kind == "turn" && $0.body.heardMilliseconds == nil }.compactMap(\.body.text)
            doubled += whole.count - Set(whole).count
            let ends = marks(index).map(\.at) + [endedAt].compactMap(\.self)
            for (connection, end) in zip(connections.all[index], ends) {
                let due = FinishedTurns.texts(witness, connection, before: end - Self.commitWithin)
                finished += due.count
                let absent = due.filter { !texts.contains($0) }
                lost += absent.count
                if !absent.isEmpty { Progress.say("  participant \(index): not in the journal: \(absent)") }
            }
            for connection in connections.all[index] { saidTwice += FinishedTurns.saidTwice(witness, connection) }
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
}
