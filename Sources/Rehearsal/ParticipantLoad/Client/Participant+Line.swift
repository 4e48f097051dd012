import InterviewCore
import NIOCore

/// Opening, losing and finding back.
extension Participant {
    func open(viaOwner: Bool) {
        attempt += 1
        let mine = attempt
        phase = .opening(since: now)
        let target = ParticipantLink.Target(
            address: viaOwner ? ownerAddress ?? settings.address : settings.address, session: settings.session,
            token: token, tokenInHeader: settings.tokenInHeader)
        // Codes on a socket that is no longer the current one mean nothing: their number is an old one.
        link = ParticipantLink(to: target, on: loop) { event in
            self.assumeIsolated { participant in
                guard participant.attempt == mine else { return }
                participant.heard(event)
            }
        }
    }

    func heard(_ event: LinkEvent) {
        lastHeard = now
        switch event {
        case .opened:
            phase = .greeting(since: now)
            down { $0.connected() }
            say(
                .hello(
                    Hello(
                        up: settings.up, down: settings.down, client: client, agent: "voice-load/1",
                        resume: report.connections > 0 ? playback.resume : nil)))
        case .text(let bytes): read(bytes)
        case .binary(let bytes): hear(bytes)
        case .pong(var payload):
            if let sent = payload.readInteger(as: UInt64.self) {
                report.roundTrip = now - .nanoseconds(Int64(truncatingIfNeeded: sent))
            }
        case .refused(let status, let code, let retryAfter):
            report.refusals += 1
            if report.refusedAfter == nil { report.refusedAfter = now }
            report.note(error: "\(status) \(code)")
            lost(
                policy.refused(status: status, code: code, retryAfter: retryAfter, at: now, chance: roll()))
        case .closed(let code): closed(code)
        case .failed(let what):
            report.note(error: what)
            lost(policy.failed(what, at: now, chance: roll()))
        }
    }

    private func closed(_ code: Int?) {
        report.closeCodes[code ?? 0, default: 0] += 1
        if code == nil { report.note(error: isConnected ? "lost_line" : "lost_line_before_welcome") }
        let bye = byeRejoin
        byeRejoin = nil
        lost(
            policy.closed(
                code: code, byeReason: bye?.reason, rejoinIn: bye?.rejoinIn, at: now, chance: roll()))
    }

    /// The line is gone, or an attempt has failed.
    func lost(_ decision: RejoinPolicy.Decision) {
        if isConnected { lineLostAt = now }
        link = nil
        attempt += 1
        switch decision {
        case .stop(let outcome): finish(outcome)
        case .again where isLeaving: finish(.leaveUnanswered)
        case .again(let pause, let viaOwner): phase = .pausing(until: now + pause, viaOwner: viaOwner)
        }
    }

    private var isLeaving: Bool { if case .leaving = phase { true } else { false } }

    func welcomed(_ welcome: Welcome) {
        guard case .greeting = phase else { return }
        phase = .live
        let first = captureBegan == nil
        if first {
            captureBegan = now
            report.joinTook = now
            lastTransmit = now
            lastStats = now
        } else {
            sequence = UInt16.random(in: 0 ... .max, using: &chance)
            // Eight times real time counts from this welcome: what was saved up while away would be a burst.
            lastTransmit = now
            sendCredit = 0
            if settings.forgetsOnLoss { memory.forgetAll() }
            memory.resend(from: welcome.resendFrom)
            report.resends.append(
                ParticipantReport.Resend(
                    resumed: welcome.resumed, from: welcome.resendFrom, frames: memory.unsent))
        }
        muteSaid = false
        if let lost = lineLostAt {
            lineLostAt = nil
            if report.rejoinsTook.count < ParticipantReport.mostEntries { report.rejoinsTook.append(now - lost) }
        }
        report.connections += 1
        if welcomedAt == nil { welcomedAt = now }
        token = welcome.rejoinToken
        ownerAddress = welcome.url.flatMap { try? Address($0) }
        policy.welcomed(
            rejoinWindow: .milliseconds(welcome.rejoinMilliseconds), ownerKnown: ownerAddress != nil, at: now)
    }

    // MARK: What time demands

    func scheduleTick() {
        ticks += 1
        let at = began + .milliseconds(20) * ticks
        let deadline = NIODeadline.uptimeNanoseconds(UInt64(clamping: Self.nanoseconds(at)))
        loop.scheduleTask(deadline: deadline) {
            self.assumeIsolated { participant in
                participant.tick()
                // A loop that was held up does not owe ticks: capture counts by the clock.
                let passed = Int(Self.nanoseconds(participant.now) / 20_000_000)
                participant.ticks = max(participant.ticks, passed)
                if participant.phase != .over { participant.scheduleTick() }
            }
        }
    }

    static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    private func tick() {
        capture()
        for played in playback.advanced(to: now) where isConnected { say(played) }
        switch phase {
        case .idle, .over: return
        case .opening(let since):
            if now - since > RejoinPolicy.attemptTimeout { giveUpLine("timeout") }
        case .greeting(let since):
            if now - since > Self.welcomeWithin { giveUpLine("no_welcome") } else { keepAlive() }
        case .live:
            transmit()
            keepAlive()
        case .leaving(let since):
            transmit()
            if now - since > Self.byeWithin {
                report.note(error: "leave_unanswered")
                let silent = link
                finish(.leaveUnanswered)
                silent?.abort()
            } else {
                keepAlive()
            }
        case .pausing(let until, let viaOwner):
            if now >= until { open(viaOwner: viaOwner) }
        }
    }

    var isConnected: Bool {
        switch phase {
        case .live, .leaving: true
        case .idle, .opening, .greeting, .pausing, .over: false
        }
    }

    private func keepAlive() {
        if now - lastHeard > Self.deadAfter {
            giveUpLine("dead_line")
            return
        }
        if now - lastSent > Self.beatAfter { say(.beat) }
        if isConnected, now - lastStats >= Self.statsEvery {
            lastStats = now
            link?.send(ping: UInt64(clamping: Self.nanoseconds(now)))
            say(
                .stats(
                    ClientStats(
                        roundTripMilliseconds: report.roundTrip.map { Int(Self.nanoseconds($0) / 1_000_000) },
                        microphoneDecibels: plan.isSpeaking ? -20 : -90, underruns: playback.underruns,
                        codec: settings.up.rawValue, device: "file")))
        }
    }

    private func giveUpLine(_ what: String) {
        report.note(error: what)
        let dead = link
        lost(policy.failed(what, at: now, chance: roll()))
        dead?.abort()
    }
}
