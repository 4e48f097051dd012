import InterviewCore
import NIOPosix
import ParticipantLoad

/// What the cases share: participants, rows, the daemon's own words.
struct LimitRoom: Sendable {
    let rig: Rig

    /// Seconds; the ranges of a study begin at 10 s (idle, rejoin) and 60 s (hard limit).
    static let idle = 24
    static let hard = 65
    static let rejoin = 10
    /// How late a timer may be noticed: sessions look ten times a second, and a machine may be busy.
    static let late = 2.0
    /// How long anything may take that is due at once.
    static let soon: Duration = .seconds(10)

    func prepare() async throws {
        try await rig.save(study: "idle", limits: ["idle_seconds": Self.idle])
        try await rig.save(study: "hard", limits: ["hard_limit_seconds": Self.hard, "idle_seconds": 600])
        try await rig.save(study: "rejoin", limits: ["rejoin_seconds": Self.rejoin])
    }

    struct Guest: Sendable {
        let ticket: JoinTicket
        let participant: Participant
        let running: Task<ParticipantReport, Never>
    }

    /// Somebody who says nothing (or talks without end), in the room and greeted.
    func guest(
        _ study: String, talks: Bool = false, down: AudioFormat = .opus, through address: Address? = nil,
        expiresIn: Int? = nil
    ) async throws -> Guest {
        let ticket = try await rig.createSession(study: study, expiresIn: expiresIn)
        let voice = try PreparedVoice(VoiceLibrary.load([Caller.alsa]), format: .opus)
        let settings = ParticipantSettings(
            session: ticket.id, token: ticket.token, address: address ?? ticket.media, down: down,
            style: talks ? .endless : .quiet, seed: 3)
        let participant = Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
        return Guest(ticket: ticket, participant: participant, running: Task { await participant.run() })
    }

    func greeted(_ guest: Guest) async throws {
        try await eventually("the greeting", within: Self.soon) { await guest.participant.itemsAnnounced > 0 }
    }

    /// The end as the participant sees it; stops who is not ended within `limit`.
    func end(_ guest: Guest, within limit: Duration) async -> (report: ParticipantReport, took: Double) {
        let began = ContinuousClock.now
        try? await eventually("the end", within: limit) { await guest.participant.progress.outcome != nil }
        let took = (ContinuousClock.now - began) / .seconds(1)
        await guest.participant.stop()
        return (await guest.running.value, took)
    }

    func row(_ session: String, until state: String) async throws -> StoreWitness.Row? {
        let store = try StoreWitness(rig)
        try? await eventually("the row", within: Self.soon) { try await store.row(session)?.state == state }
        return try await store.row(session)
    }

    /// Row and log name the end, each once.
    func settle(
        _ guest: Guest, _ reason: String, detail: String? = nil, _ findings: inout Findings
    ) async throws {
        let row = try await row(guest.ticket.id, until: "ended")
        findings.expect(
            row?.state == "ended" && row?.reason == reason && (detail == nil || row?.detail == detail),
            "the row says \(reason)", "\(row?.state ?? "none") \(row?.reason ?? "-") \(row?.detail ?? "-")")
        let daemon = try await DaemonWitness.read(rig)
        let lines = daemon.lines(of: guest.ticket.id, ["session ends"])
        let named = daemon.lines(of: guest.ticket.id, ["session ends", "\"\(reason)\""])
        findings.expect(lines == 1 && named == 1, "the log says it once", "\(lines) lines, \(named) with the reason")
        let ends = try await StoreWitness(rig).journal(guest.ticket.id).count { $0.kind == "end" }
        findings.expect(ends == 1, "the journal has one end", "\(ends)")
    }

    static func ended(_ report: ParticipantReport, _ reason: String) -> Bool {
        report.outcome == .ended(reason: reason)
    }
}
