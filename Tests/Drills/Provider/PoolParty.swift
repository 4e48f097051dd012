import Foundation
import InterviewCore
import ParticipantLoad

/// Connections that are kept ready: taken, dead without a sign, and a provider that lets none be opened.
struct PoolParty {
    let rig: Rig
    let calls: Int

    static let size = 4

    /// The first connections greet and are dumb and deaf from then on, as behind a line that broke silently.
    static func plan(_ conversation: RigPlan.Conversation) -> RigPlan {
        var plan = RigPlan(conversation: conversation)
        plan.prewarm = size
        plan.simulatorFlags = ["--fault", "half_open:when=opening,times=\(size)"]
        return plan
    }

    private struct Guest: Sendable {
        let ticket: JoinTicket
        let participant: Participant
        let running: Task<ParticipantReport, Never>
    }

    private static let filledWithin: Duration = .seconds(15)
    private static let greetedWithin: Duration = .seconds(20)

    func hold(_ verdict: inout Verdict) async throws {
        Progress.say("pool_dead: connections that were kept ready and are dead")
        try await filled("pool_dead", &verdict)
        var guests = try await gather("pool_dead", within: .seconds(5), &verdict)
        let failed = try await result("failed")
        verdict.expect(
            failed >= Double(min(Self.size, calls)), "pool_dead: the dead ones are noticed, not their sessions",
            "\(failed)")
        try await goodbye(guests, "pool_dead", &verdict)

        Progress.say("pool_used: connections that were kept ready")
        try await filled("pool_used", &verdict)
        let before = try await result("taken")
        guests = try await gather("pool_used", within: .seconds(3), &verdict)
        let taken = try await result("taken") - before
        verdict.figure("pool_used_taken", taken)
        verdict.expect(
            taken >= Double(min(Self.size, calls)), "pool_used: sessions get them", "\(taken)")
        try await filled("pool_used", &verdict)
        let open = try await openConnections()
        verdict.expect(
            open == calls + Self.size, "pool_used: there are never more than configured", "\(open - calls)")
        try await goodbye(guests, "pool_used", &verdict)

        try await refuse(&verdict)
        try await drain(&verdict)
    }

    /// All are cut and every new one is refused.
    private func refuse(_ verdict: inout Verdict) async throws {
        Progress.say("pool_refused: the provider lets none be opened")
        try await arm(#"[{"fault":"refuse_429","times":0},{"fault":"outage","ms":1}]"#)
        try await Task.sleep(for: .seconds(6))
        let answer = try await rig.http.get(try rig.simulatorAddress, "/sim/log?kind=refused")
        let pressed = (try JSONSerialization.jsonObject(with: Data(answer.body)) as? [Any])?.count ?? 0
        verdict.figure("pool_refused_attempts", pressed)
        verdict.expect((1...12).contains(pressed), "pool_refused: it is not pressed", "\(pressed) attempts in 6 s")
        try await arm("[]")
        let guests = try await gather("pool_refused", within: .seconds(3), &verdict)
        try await goodbye(guests, "pool_refused", &verdict)
    }

    /// Nobody new comes: what is kept ready is let go, and not a token was paid for it.
    private func drain(_ verdict: inout Verdict) async throws {
        _ = try await rig.voicectl(["drain"])
        try? await eventually("the last connection's end", within: .seconds(10)) {
            try await Task.sleep(for: .milliseconds(100))
            return try await openConnections() == 0
        }
        let open = try await openConnections()
        verdict.expect(open == 0, "pool_drain: a drain closes what nobody needs any more", "\(open)")
    }

    // MARK: Steps

    private func filled(_ name: String, _ verdict: inout Verdict) async throws {
        var (ready, most) = (0.0, 0.0)
        try? await eventually("a full pool", within: Self.filledWithin) {
            ready = try await DaemonWitness.read(rig).metric("voice_provider_prewarmed")
            most = max(most, ready)
            return ready == Double(Self.size)
        }
        verdict.expect(
            ready == Double(Self.size) && most <= Double(Self.size), "\(name): as many as configured are ready",
            "\(ready), at most \(most)")
    }

    private func gather(_ name: String, within limit: Duration, _ verdict: inout Verdict) async throws -> [Guest] {
        var tickets: [JoinTicket] = []
        for _ in 0..<calls { tickets.append(try await rig.createSession()) }
        var guests: [Guest] = []
        for ticket in tickets {
            let participant = try Caller(ticket, up: .opus, recordings: [Caller.english], rounds: 1).participant
            guests.append(
                Guest(ticket: ticket, participant: participant, running: Task { await participant.run() }))
        }
        for guest in guests {
            try? await eventually("the greeting", within: Self.greetedWithin) {
                await guest.participant.progress.firstVoice != nil
            }
        }
        var reports: [ParticipantReport] = []
        for guest in guests { reports.append(await guest.participant.progress) }
        let waits = reports.compactMap(\.firstVoice).map { $0 / .milliseconds(1) }.sorted()
        verdict.expect(waits.count == calls, "\(name): everybody is greeted", "\(waits.count)")
        verdict.figure("\(name)_first_voice_ms_max", waits.last ?? 0)
        verdict.expect(
            (waits.last ?? 0) <= limit / .milliseconds(1), "\(name): nobody waits longer than \(limit)",
            "\(waits.last ?? 0) ms")
        let told = reports.count { $0.states.contains(.reconnecting) }
        verdict.expect(told == 0, "\(name): nobody is told reconnecting", "\(told)")
        return guests
    }

    private func goodbye(_ guests: [Guest], _ name: String, _ verdict: inout Verdict) async throws {
        for guest in guests { await guest.participant.leave() }
        var left = 0
        for guest in guests where await guest.running.value.outcome == .ended(reason: "participant_left") { left += 1 }
        verdict.expect(left == calls, "\(name): and the calls end when their participants leave", "\(left)")
    }

    private func result(_ word: String) async throws -> Double {
        try await DaemonWitness.read(rig).metric("voice_provider_prewarmed_total", ["result": word])
    }

    private func openConnections() async throws -> Int {
        let entries = try await SimulatorWitness.read(rig).entries
        return entries.count { $0.kind == "connected" } - entries.count { $0.kind == "closed" }
    }

    private func arm(_ faults: String) async throws {
        let answer = try await rig.http.put(try rig.simulatorAddress, "/sim/faults", body: Array(faults.utf8))
        guard answer.status == 200 else { throw DrillError.unreadable("PUT /sim/faults: \(answer.status)") }
    }
}
