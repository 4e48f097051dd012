import InterviewCore
import NIOPosix
import ParticipantLoad

/// Somebody who stays away for longer than the study allows: told so at the return, and written down as gone.
struct RejoinAbsence {
    let rig: Rig
    let voice: PreparedVoice

    private static let study = "short-window"
    /// Seconds; the least that a study may allow.
    private static let window = 10
    private static let within: Duration = .seconds(20)

    func hold(_ verdict: inout Verdict) async throws {
        Progress.say("one line is away for longer than the window of \(Self.window) s")
        try await rig.save(study: Self.study, limits: ["rejoin_seconds": Self.window])
        let ticket = try await rig.createSession(study: Self.study)
        let settings = ParticipantSettings(
            session: ticket.id, token: ticket.token, address: ticket.media, up: .pcm, down: .opus,
            style: .turns(TurnHabits()), seed: 1)
        let participant = Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
        let running = Task { await participant.run() }
        try await eventually("the participant to be there", within: Self.within) { await participant.isLive }
        await participant.cutLine(for: .seconds(Self.window + 3))
        let report = try await eventuallyEnded(running, participant)
        verdict.expect(
            report.connections == 1 && report.outcome == .ended(reason: "410"),
            "absence: who comes back too late is told that it is over", "\(String(describing: report.outcome))")
        let row = try await StoreWitness(rig).row(ticket.id)
        verdict.expect(
            row?.state == "ended" && row?.reason == "participant_left",
            "absence: the row says that the participant is gone", "\(String(describing: row))")
    }

    private func eventuallyEnded(
        _ running: Task<ParticipantReport, Never>, _ participant: Participant
    ) async throws -> ParticipantReport {
        do {
            try await eventually("the end of who was away", within: Self.within) {
                await participant.progress.outcome != nil
            }
        } catch {
            await participant.stop()
            _ = await running.value
            throw error
        }
        return await running.value
    }
}
