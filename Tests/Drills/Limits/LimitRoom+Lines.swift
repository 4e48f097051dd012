import InterviewCore
import ParticipantLoad

/// Lines that are neither good nor broken.
extension LimitRoom {
    /// Two seconds of sound on the way: 4003, and back on a line that reads.
    func slowReader() async throws -> Findings {
        var findings = Findings("slow reader")
        let ticketAddress = try rig.mediaAddress
        let link = try await UnwellLink(to: ticketAddress)
        let guest = try await guest("drill", down: .pcm, through: link.address)
        try await greeted(guest)
        try await link.reads(false)
        // The daemon cuts at 2 s; the participant would give up a dead line after 3 s.
        try await Task.sleep(for: .milliseconds(2_700))
        try await link.reads(true)
        try? await eventually("the way back", within: Self.soon) { await guest.participant.progress.connections == 2 }
        try? await eventually("the way back", within: Self.soon) { await guest.participant.isLive }
        let progress = await guest.participant.progress
        findings.expect(
            progress.closeCodes == [4003: 1], "closed 4003, once", "\(progress.closeCodes) \(progress.errors)")
        findings.expect(
            progress.connections == 2 && progress.resends.map(\.resumed) == [true], "the participant is back",
            "\(progress.connections) connections")
        let daemon = try await DaemonWitness.read(rig)
        let cut = daemon.metric("voice_participant_disconnects_total", ["cause": "too_slow"])
        findings.expect(cut == 1, "the metric counts it once", "\(cut)")
        await guest.participant.leave()
        _ = await end(guest, within: Self.soon)
        await link.close()
        try await settle(guest, "participant_left", detail: "left", &findings)
        return findings
    }

    /// Nothing comes from the participant any more, and nobody closes: the daemon notices within seconds by itself.
    func halfOpenLine() async throws -> Findings {
        var findings = Findings("half-open line")
        let link = try await UnwellLink(to: rig.mediaAddress)
        let guest = try await guest("drill", through: link.address)
        try await greeted(guest)
        link.mute()
        // The participant knows that its network is gone; the daemon can only conclude it.
        await guest.participant.cutLine(for: Self.soon)
        try? await eventually("the daemon to notice", within: .seconds(6)) {
            try await DaemonWitness.read(rig).metric("voice_participant_disconnects_total", ["cause": "dead"]) == 1
        }
        let dead = try await DaemonWitness.read(rig).metric("voice_participant_disconnects_total", ["cause": "dead"])
        findings.expect(dead == 1, "the daemon gives the line up, once", "\(dead)")
        try? await eventually("the way back", within: Self.soon + Self.soon) { await guest.participant.isLive }
        let progress = await guest.participant.progress
        findings.expect(
            progress.connections == 2 && progress.resends.map(\.resumed) == [true], "the participant is back",
            "\(progress.connections) connections")
        await guest.participant.leave()
        _ = await end(guest, within: Self.soon)
        await link.close()
        try await settle(guest, "participant_left", detail: "left", &findings)
        return findings
    }
}
