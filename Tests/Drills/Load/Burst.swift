import Foundation
import InterviewCore
import NIOPosix
import ParticipantLoad

/// More people than seats, all within one second: each is seated or refused at once, none is forgotten.
struct Burst {
    let rig: Rig
    let voice: PreparedVoice
    let joins: Int
    /// What the daemon's configuration gives; a tenth of them is kept for those who come back.
    let seats: Int

    private static let within: Duration = .seconds(1)
    /// For a refusal, from the first packet to the answer's last. Milliseconds; everybody shares two cores.
    private static let refusedWithin = 50.0

    private struct Outcome: Sendable {
        var session: String
        /// Nil: seated.
        var refusal: String?
        var took: Duration
    }

    private struct Guest: Sendable {
        let participant: Participant
        let running: Task<ParticipantReport, Never>
    }

    func hold(_ verdict: inout Verdict) async throws {
        Progress.say("burst: \(joins) joins within a second, \(seats) seats")
        var tickets: [JoinTicket] = []
        for _ in 0..<joins { tickets.append(try await rig.createSession()) }
        let began = ContinuousClock.now
        let answers = await withTaskGroup(of: (Outcome?, Guest).self) { group in
            for (number, ticket) in tickets.enumerated() {
                group.addTask {
                    try? await Task.sleep(until: began + Self.within / joins * number, clock: .continuous)
                    let participant = self.participant(ticket, number)
                    let guest = Guest(participant: participant, running: Task { await participant.run() })
                    return (await Self.outcome(guest, ticket.id), guest)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let outcomes = answers.compactMap(\.0)
        let guests = answers.map(\.1)
        let health = try await rig.healthReport()
        let witness = try await DaemonWitness.read(rig)
        for guest in guests { await guest.participant.leave() }
        var ends: [ParticipantReport] = []
        for guest in guests { ends.append(await guest.running.value) }
        try await eventually("the daemon to be empty", within: .seconds(15)) {
            try await rig.healthReport().activeSessions == 0
        }
        judge(outcomes, health, witness.metric("voice_joins_refused_total", ["code": "full"]), &verdict)
        try await judge(ends, outcomes, &verdict)
    }

    private func participant(_ ticket: JoinTicket, _ number: Int) -> Participant {
        var settings = ParticipantSettings(
            session: ticket.id, token: ticket.token, address: ticket.media, style: .quiet, seed: UInt64(number))
        // A refusal is the answer here: nobody asks twice.
        settings.joinPatience = .zero
        return Participant(settings, voice: voice, on: MultiThreadedEventLoopGroup.singleton.next())
    }

    /// As soon as it is known; nil: neither seated nor refused within seven seconds.
    private static func outcome(_ guest: Guest, _ session: String) async -> Outcome? {
        var found: Outcome?
        try? await eventually("an answer", within: .seconds(7)) {
            let report = await guest.participant.progress
            if let took = report.joinTook {
                found = Outcome(session: session, refusal: nil, took: took)
            } else if let took = report.refusedAfter, case .refused(let status, let code) = report.outcome {
                found = Outcome(session: session, refusal: "\(status) \(code)", took: took)
            }
            return found != nil
        }
        return found
    }

    private func judge(
        _ outcomes: [Outcome], _ health: HealthReport, _ counted: Double, _ verdict: inout Verdict
    ) {
        let seated = outcomes.filter { $0.refusal == nil }
        let refused = outcomes.filter { $0.refusal != nil }
        let codes = Dictionary(refused.map { ($0.refusal ?? "", 1) }, uniquingKeysWith: +)
        let slowest = LoadTally.spread(refused.map { LoadTally.milliseconds($0.took) })
        let joined = LoadTally.spread(seated.map { LoadTally.milliseconds($0.took) })
        verdict.figure("burst_joins", joins)
        verdict.figure("burst_seated", seated.count)
        verdict.figure("burst_refused", refused.count)
        verdict.figure("burst_refusal_p50_ms", slowest.p50)
        verdict.figure("burst_refusal_p99_ms", slowest.p99)
        verdict.figure("burst_join_p99_ms", joined.p99)
        verdict.expect(outcomes.count == joins, "burst: each is seated or refused", "\(outcomes.count) of \(joins)")
        let open = seats - seats / 10
        verdict.expect(
            seated.count == open && codes == ["503 full": joins - open],
            "burst: every free seat is taken, a tenth is kept, the others are told 503 full",
            "\(seated.count) seated of \(open), \(codes)")
        verdict.expect(
            slowest.p99 <= Self.refusedWithin, "burst: refusals come within milliseconds", "p99 \(slowest.p99) ms")
        verdict.expect(
            health.activeSessions == seated.count && health.reasons == ["full"] && !health.acceptingNew
                && health.capacity == seats,
            "burst: /health says how many, and why nobody else", "\(health)")
        verdict.expect(
            counted == Double(refused.count), "burst: every refusal is counted", "\(counted) of \(refused.count)")
    }

    private func judge(_ ends: [ParticipantReport], _ outcomes: [Outcome], _ verdict: inout Verdict) async throws {
        let good = ends.filter { $0.outcome == .ended(reason: "participant_left") }
        let store = try StoreWitness(rig)
        var states: [String: Int] = [:]
        for outcome in outcomes {
            let row = try await store.row(outcome.session)
            states["\(outcome.refusal == nil ? "seated" : "refused") \(row?.state ?? "none")", default: 0] += 1
        }
        let refused = outcomes.count { $0.refusal != nil }
        verdict.expect(
            good.count == outcomes.count - refused, "burst: who was seated is served to the end", "\(good.count)")
        verdict.expect(
            states == ["seated ended": outcomes.count - refused, "refused scheduled": refused],
            "burst: the rows say the same; who was refused may come again", "\(states)")
    }
}
