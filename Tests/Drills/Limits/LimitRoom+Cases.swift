import InterviewCore
import ParticipantLoad

/// One function for each timer and limit.
extension LimitRoom {
    /// At half of it the agent asks, at all of it the end.
    func idle(talking: Bool) async throws -> Findings {
        var findings = Findings("idle")
        let guest = try await guest("idle", talks: talking)
        // Who talks without end is never greeted; then the timers' own expectations fail.
        do { try await greeted(guest) } catch { guard talking else { throw error } }
        let greetedAt = ContinuousClock.now
        try? await eventually("the question", within: .seconds(Self.idle / 2 + 4)) {
            await guest.participant.itemsAnnounced > 1
        }
        let asked = (ContinuousClock.now - greetedAt) / .seconds(1)
        let (report, _) = await end(guest, within: .seconds(Self.idle))
        let took = (ContinuousClock.now - greetedAt) / .seconds(1)
        findings.expect(
            abs(asked - Double(Self.idle) / 2) <= Self.late, "the agent asks at half of it", "after \(asked) s")
        findings.expect(report.down.items.count == 2, "and asks once", "\(report.down.items.count - 1)")
        findings.expect(
            Self.ended(report, "idle_timeout"), "the participant is told", "\(String(describing: report.outcome))")
        findings.expect(abs(took - Double(Self.idle)) <= Self.late, "it ends at all of it", "after \(took) s")
        try await settle(guest, "idle_timeout", &findings)
        return findings
    }

    /// A minute before it the agent wraps up aloud; at it the end, whatever is said.
    func hardLimit(toTheEnd: Bool) async throws -> Findings {
        var findings = Findings("hard limit")
        let guest = try await guest("hard", talks: false)
        try await greeted(guest)
        let began = ContinuousClock.now
        try? await eventually("the wrap-up", within: .seconds(15)) {
            await guest.participant.progress.states.contains(.wrappingUp)
        }
        let after = (ContinuousClock.now - began) / .seconds(1)
        findings.expect(abs(after - Double(Self.hard - 60)) <= Self.late, "wrap-up a minute before", "after \(after) s")
        try? await eventually("the last words", within: .seconds(15)) { await guest.participant.itemsAnnounced > 1 }
        let items = await guest.participant.itemsAnnounced
        findings.expect(items == 2, "the wrap-up is spoken", "\(items)")
        guard toTheEnd else {
            await guest.participant.leave()
            _ = await end(guest, within: Self.soon)
            try await settle(guest, "participant_left", detail: "left", &findings)
            return findings
        }
        let (report, _) = await end(guest, within: .seconds(Self.hard))
        let took = (ContinuousClock.now - began) / .seconds(1)
        findings.expect(
            Self.ended(report, "time_limit"), "the participant is told", "\(String(describing: report.outcome))")
        findings.expect(abs(took - Double(Self.hard)) <= Self.late, "it ends in time", "after \(took) s")
        findings.expect(
            report.states.count { $0 == .wrappingUp } >= 1 && report.down.items.count == 2, "it wraps up once",
            "\(report.down.items.count)")
        try await settle(guest, "time_limit", &findings)
        return findings
    }

    /// Gone, and not back within the window.
    func rejoinWindow() async throws -> Findings {
        var findings = Findings("rejoin window")
        let guest = try await guest("rejoin")
        try await greeted(guest)
        await guest.participant.stop()
        _ = await guest.running.value
        let gone = ContinuousClock.now
        let store = try StoreWitness(rig)
        try? await eventually("the end of the window", within: .seconds(Self.rejoin + 8)) {
            try await store.row(guest.ticket.id)?.state == "ended"
        }
        let took = (ContinuousClock.now - gone) / .seconds(1)
        findings.expect(abs(took - Double(Self.rejoin)) <= Self.late, "it ends after the window", "after \(took) s")
        try await settle(guest, "participant_left", detail: "dropped", &findings)
        let late = try Caller(guest.ticket, up: .opus, recordings: [Caller.alsa], rounds: 1, patience: .zero)
        let refused = await late.participant.run()
        findings.expect(
            refused.outcome == .ended(reason: "410"), "who comes later is told that it is over",
            "\(String(describing: refused.outcome))")
        return findings
    }

    /// The participant says so. What the greeting cost then makes a budget that is nearly spent by it.
    func leftThenBudget() async throws -> Findings {
        var findings = Findings("left")
        let guest = try await guest("drill")
        try await greeted(guest)
        let store = try StoreWitness(rig)
        try await eventually("the greeting's cost", within: Self.soon) {
            try await store.journal(guest.ticket.id).contains { $0.kind == "usage" }
        }
        await guest.participant.leave()
        let (report, _) = await end(guest, within: Self.soon)
        findings.expect(
            Self.ended(report, "participant_left"), "the participant is told", "\(String(describing: report.outcome))")
        try await settle(guest, "participant_left", detail: "left", &findings)
        let cost = try await row(guest.ticket.id, until: "ended")?.costMicros ?? 0
        try await budget(greeting: cost, &findings)
        return findings
    }

    /// 90 % are spent by the greeting: wrap-up; by the wrap-up all of it: the end.
    private func budget(greeting cost: Int, _ findings: inout Findings) async throws {
        let limit = cost * 100 / 95
        findings.expect(limit >= 10_000, "the greeting is dear enough for a budget", "\(cost) micro-dollars")
        try await rig.save(study: "budget", limits: ["budget_micros": limit])
        let guest = try await guest("budget")
        try await greeted(guest)
        try? await eventually("the wrap-up", within: .seconds(15)) {
            await guest.participant.progress.states.contains(.wrappingUp)
        }
        let (report, _) = await end(guest, within: .seconds(20))
        findings.expect(report.states.contains(.wrappingUp), "budget: wrap-up at 90 %", "\(report.states)")
        findings.expect(
            Self.ended(report, "budget_session"), "budget: the participant is told at 100 %",
            "\(String(describing: report.outcome))")
        try await settle(guest, "budget_session", &findings)
        let spent = try await row(guest.ticket.id, until: "ended")?.costMicros ?? 0
        findings.expect(spent >= limit, "budget: not before it is spent", "\(spent) of \(limit)")
        let answers = try await StoreWitness(rig).journal(guest.ticket.id).count { $0.kind == "usage" }
        findings.expect(answers == 2, "budget: greeting and wrap-up, nothing after", "\(answers)")
    }

    /// An operator ends it.
    func adminClosed() async throws -> Findings {
        var findings = Findings("admin close")
        let guest = try await guest("drill")
        try await greeted(guest)
        let exit = try await rig.voicectl(["close", guest.ticket.id, "--reason", "drill"])
        findings.expect(exit?.code == 0, "voicectl succeeds", "\(String(describing: exit))")
        let (report, _) = await end(guest, within: Self.soon)
        findings.expect(
            Self.ended(report, "admin_closed"), "the participant is told", "\(String(describing: report.outcome))")
        try await settle(guest, "admin_closed", detail: "drill", &findings)
        return findings
    }

    /// Nobody comes.
    func noShow() async throws -> Findings {
        var findings = Findings("no-show")
        let ticket = try await rig.createSession(study: "drill", expiresIn: 60)
        let began = ContinuousClock.now
        let store = try StoreWitness(rig)
        try? await eventually("the end of the link", within: .seconds(75)) {
            try await store.row(ticket.id)?.state == "ended"
        }
        let took = (ContinuousClock.now - began) / .seconds(1)
        let row = try await store.row(ticket.id)
        findings.expect(
            row?.reason == "no_show", "the row says no_show", "\(row?.state ?? "none") \(row?.reason ?? "-")")
        findings.expect((59...68).contains(took), "after the link's time", "\(took) s")
        let daemon = try await DaemonWitness.read(rig)
        findings.expect(
            daemon.lines(of: ticket.id, ["session ended by its timer", "no_show"]) == 1, "the log says it once")
        return findings
    }

    /// Another key than the provider's: the end at once, with the reason; nothing is tried for a minute.
    func wrongKey() async throws -> Findings {
        var findings = Findings("wrong key")
        let guest = try await guest("drill")
        let (report, took) = await end(guest, within: Self.soon)
        findings.expect(
            Self.ended(report, "provider_failed"), "the participant is told", "\(String(describing: report.outcome))")
        findings.expect(took < 5, "at once", "\(took) s")
        try await settle(guest, "provider_failed", detail: "auth", &findings)
        let daemon = try await DaemonWitness.read(rig)
        let errors = daemon.metric("voice_provider_errors_total", ["error_type": "auth"])
        findings.expect(errors == 1, "the metric counts one auth error", "\(errors)")
        return findings
    }

    /// Each end is counted once, and no other.
    func counts(whole: Bool) async throws -> Findings {
        var findings = Findings("metrics")
        let daemon = try await DaemonWitness.read(rig)
        // left, slow reader, half-open line, rejoin window; the hard limit's participant leaves where its end is not waited for.
        var wanted = [
            "idle_timeout": 1, "budget_session": 1, "admin_closed": 1, "participant_left": whole ? 4 : 5,
        ]
        if whole { wanted["time_limit"] = 1 }
        for (reason, count) in wanted.sorted(by: { $0.key < $1.key }) {
            let found = daemon.metric("voice_session_duration_seconds_count", ["completion_reason": reason])
            findings.expect(found == Double(count), "\(count) ended \(reason)", "\(found)")
        }
        let all = daemon.metric("voice_session_duration_seconds_count")
        findings.expect(all == Double(wanted.values.reduce(0, +)), "and no other end", "\(all)")
        var reaped = ["idle_timeout", "budget_session", "participant_left"]
        if whole { reaped += ["time_limit", "no_show"] }
        for cause in reaped {
            let found = daemon.metric("voice_sessions_reaped_total", ["cause": cause])
            findings.expect(found == 1, "\(cause) was reaped once", "\(found)")
        }
        let every = daemon.metric("voice_sessions_reaped_total")
        findings.expect(every == Double(reaped.count), "and nothing else", "\(every)")
        return findings
    }
}
