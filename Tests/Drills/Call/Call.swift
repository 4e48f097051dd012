import InterviewCore
import ParticipantLoad

/// One call of the drill, and all comparisons of it.
struct Call {
    let name: String
    let up: AudioFormat
    let recordings: [String]
    let rig: Rig
    let manifests: String

    private static let longestCall: Duration = .seconds(40)
    /// Recording and call may differ by this much.
    private static let lengthTolerance = 0.060

    func hold(losing lostFrame: Int?, _ verdict: inout Verdict) async throws {
        Progress.say("\(name): calling with \(recordings.count) recordings")
        let ticket = try await rig.createSession()
        let before = try await SimulatorWitness.read(rig).connections
        var link: FaultyLink?
        if let lostFrame { link = try await FaultyLink(to: ticket.media, droppingFrame: lostFrame) }
        let caller = try Caller(
            ticket, up: up, recordings: recordings, rounds: recordings.count, address: link?.address)
        let report = try await talk(caller)
        await link?.close()

        verdict.expect(
            report.outcome == .ended(reason: "completed"), "\(name): the interview ends by itself",
            "\(String(describing: report.outcome)) \(report.errors)")
        let witness = try await SimulatorWitness.read(rig)
        let opened = witness.connections.filter { !before.contains($0) }
        verdict.expect(opened.count == 1, "\(name): one provider connection", "\(opened.count)")
        guard let connection = opened.first else { return }
        try compareUp(caller, report, witness, connection, &verdict)
        try compareDown(report, witness, connection, &verdict)
        try await compareStore(ticket.id, witness, connection, &verdict)
        try await compareRecording(ticket.id, report, &verdict)
    }

    /// Talks until the agent's last utterance begins, then mutes: from there on nothing is sent that the end of the call
    /// could cut off.
    private func talk(_ caller: Caller) async throws -> ParticipantReport {
        let participant = caller.participant
        let items = rig.plan.conversation.answers.count + 1
        let running = Task { await participant.run() }
        do {
            try await eventually("the agent's last words", within: Self.longestCall) {
                if await participant.itemsAnnounced >= items { return true }
                return await participant.progress.outcome != nil
            }
            await participant.mute(true)
            try await eventually("the end of the call", within: Self.longestCall) {
                await participant.progress.outcome != nil
            }
        } catch {
            await participant.stop()
            throw error
        }
        return await running.value
    }

    // MARK: Up

    private func compareUp(
        _ caller: Caller, _ report: ParticipantReport, _ witness: SimulatorWitness, _ connection: Int,
        _ verdict: inout Verdict
    ) throws {
        let payloads = caller.sentPayloads(report)
        let samples =
            up == .pcm
            ? payloads.flatMap { LittleEndian.samples($0) }
            : try VoiceEncoder.decode(payloads, rate: PreparedVoice.pcmRate)
        let size = UplinkComparison.samplesPerFrame
        let frames = stride(from: 0, to: samples.count - size + 1, by: size).map { Array(samples[$0..<$0 + size]) }
        let heard = witness.heard(connection)
        let comparison = UplinkComparison(sent: frames, heard: heard, tolerance: up == .pcm ? 0 : 8)
        verdict.figure("\(name)_frames_sent", payloads.count)
        verdict.figure("\(name)_frames_heard", comparison.matched)
        verdict.figure("\(name)_silence_inside_ms", comparison.silenceInside / 24)
        verdict.figure("\(name)_silence_before_ms", comparison.silenceBefore / 24)
        verdict.expect(
            comparison.isComplete,
            up == .pcm
                ? "pcm: the provider heard the very bytes that were sent, in order"
                : "opus: the provider heard what an offline decode of the packets gives, in order",
            "\(comparison.matched) of \(comparison.total) frames, then another sound")
        verdict.expect(comparison.strangers == 0, "\(name): and nothing else", "\(comparison.strangers) samples")
        if up == .opus {
            verdict.figure("opus_snr_db", comparison.decibels)
            verdict.figure("opus_equal_frames", comparison.equalFrames)
            verdict.expect(comparison.decibels >= 60, "opus: at 60 dB or more", "\(comparison.decibels) dB")
        }
        verdict.expect(Self.wraps(report.sent), "\(name): both counters wrapped on the way up")
    }

    /// Consecutive in both counters, across the wrap of each.
    private static func wraps(_ sent: [ParticipantReport.Uplink]) -> Bool {
        let consecutive = zip(sent, sent.dropFirst()).allSatisfy { first, second in
            second.sequence == first.sequence &+ 1 && second.timestamp == first.timestamp &+ 960
        }
        guard let first = sent.first, let last = sent.last else { return false }
        return consecutive && last.sequence < first.sequence && last.timestamp < first.timestamp
    }

    // MARK: Down

    private func compareDown(
        _ report: ParticipantReport, _ witness: SimulatorWitness, _ connection: Int, _ verdict: inout Verdict
    ) throws {
        let said = witness.said(connection)
        let comparison = try DownlinkComparison(
            received: report.received, order: report.down.items.map(\.id), said: said.map(\.samples),
            encoder: rig.plan.encoder)
        verdict.figure("\(name)_packets_down", comparison.packets)
        verdict.figure("\(name)_late_p99_ms", report.down.lateness.percentile(0.99))
        if let first = report.firstVoice { verdict.figure("\(name)_ttfv_ms", first / .milliseconds(1)) }
        verdict.expect(
            comparison.isEqual, "\(name): the packets down equal an offline encode of what the provider said",
            "\(comparison.differing) differ \(comparison.wrongCounts)")
        verdict.expect(
            report.down.missing == 0 && report.down.repeated == 0 && report.down.timestampsBack == 0
                && report.down.misplaced == 0,
            "\(name): no packet lost, doubled, reordered or misplaced",
            "\(report.down.missing) \(report.down.repeated) \(report.down.timestampsBack) \(report.down.misplaced)")
        verdict.expect(
            report.malformedMessages == 0 && report.unknownMessages == 0, "\(name): every message is the protocol's")
    }

    // MARK: Store

    private func compareStore(
        _ session: String, _ witness: SimulatorWitness, _ connection: Int, _ verdict: inout Verdict
    ) async throws {
        let store = try StoreWitness(rig)
        try await eventually("the row's end", within: .seconds(10)) {
            try await store.row(session)?.state == "ended"
        }
        let journal = try await store.journal(session)
        let turns = journal.filter { $0.kind == "turn" }
            .map { SimulatorWitness.Turn(speaker: $0.body.speaker ?? "", text: $0.body.text) }
        let wanted = witness.turns(connection)
        verdict.figure("\(name)_turns", turns.count)
        verdict.expect(
            turns == wanted && !turns.isEmpty, "\(name): the journal equals the simulator's log turn by turn",
            "\(turns.map(\.speaker)) against \(wanted.map(\.speaker))")
        try await compareCost(session, journal, witness, connection, store, &verdict)
    }

    private func compareCost(
        _ session: String, _ journal: [StoreWitness.Line], _ witness: SimulatorWitness, _ connection: Int,
        _ store: StoreWitness, _ verdict: inout Verdict
    ) async throws {
        let prices = try PriceList(manifests: manifests)
        let answers = try witness.of(connection, "response_done").compactMap(\.usage)
            .reduce(0) { $0 + (try prices.micros($1, model: rig.plan.model)) }
        let transcripts = try witness.of(connection, "user_transcript").compactMap(\.usage)
            .reduce(0) { $0 + (try prices.micros($1, model: rig.plan.transcriptionModel)) }
        let written = journal.reduce(0) { $0 + ($1.body.micros ?? 0) }
        let row = try await store.row(session)
        verdict.figure("\(name)_cost_micros", answers + transcripts)
        verdict.expect(
            row?.costMicros == answers + transcripts && written == answers + transcripts && answers > 0,
            "\(name): the cost equals the simulator's usage to the micro-dollar",
            "row \(row?.costMicros ?? -1), journal \(written), simulator \(answers) + \(transcripts)")
        verdict.expect(row?.reason == "completed", "\(name): the row says completed", "\(row?.reason ?? "nothing")")
    }

    // MARK: Recording

    private func compareRecording(
        _ session: String, _ report: ParticipantReport, _ verdict: inout Verdict
    ) async throws {
        let recording = try await RecordingWitness(folder: rig.recordingsFolder(session))
        let probed = recording.lengths(\.ffprobe)
        let informed = recording.lengths(\.opusinfo)
        let call = report.lasted.map { $0 / .seconds(1) } ?? 0
        verdict.figure("\(name)_call_s", call)
        verdict.figure("\(name)_recording_s", informed.first ?? 0)
        verdict.expect(
            probed.count == 2 && informed.count == 2, "\(name): ffprobe and opusinfo find two tracks",
            "\(recording.parts)")
        let all = probed + informed
        let furthest = all.map { abs($0 - call) }.max() ?? .infinity
        verdict.figure("\(name)_recording_off_ms", furthest * 1_000)
        verdict.expect(
            furthest <= Self.lengthTolerance, "\(name): both tracks are as long as the call, within 60 ms",
            "\(all) against \(call)")
        let complaints = recording.parts.flatMap(\.complaints)
        verdict.expect(complaints.isEmpty, "\(name): neither program complains", "\(complaints)")
    }
}
