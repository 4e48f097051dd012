import InterviewCore
import Logging
import Ports

// MARK: - Mailbox
extension VoiceSession: TransportSeat, TransportEvents {
    package nonisolated func take(
        _ transport: any ParticipantTransport, hello: Hello, claims: TokenClaims
    ) -> (any TransportEvents)? {
        flight.within(.lifecycle) {
            assumeIsolated { $0.arrived(transport, hello: hello, claims: claims) } ? self : nil
        }
    }

    package nonisolated func abandon(_ end: TransportEnd) {
        assumeIsolated { $0.missed(end) }
    }

    package nonisolated func transport(
        _ transport: any ParticipantTransport, received message: ParticipantMessage
    ) {
        flight.within(.participant) { assumeIsolated { $0.received(message, from: transport) } }
    }

    package nonisolated func transport(
        _ transport: any ParticipantTransport, heard header: AudioFrameHeader, payload: UnsafeRawBufferPointer
    ) {
        nonisolated(unsafe) let payload = payload
        flight.within(.participant) { assumeIsolated { $0.heard(header, payload, from: transport) } }
    }

    package nonisolated func transport(_ transport: any ParticipantTransport, ended end: TransportEnd) {
        flight.within(.participant) { assumeIsolated { $0.lost(transport, end) } }
    }
}

// MARK: - Coming
extension VoiceSession {
    static let mostObservers = 8

    private func arrived(_ newcomer: any ParticipantTransport, hello: Hello, claims: TokenClaims) -> Bool {
        if claims.scope == .observe { return observe(newcomer) }
        guard let up = hello.up, let down = hello.down else {
            newcomer.send(.error(code: "bad_message", message: "hello: audio is missing; say audio:{up,down}"))
            newcomer.close(.protocolError, reason: "bad_message")
            return false
        }
        // An automatic rejoin of a page load that somebody has replaced since loses; a join link always wins.
        if claims.scope == .rejoin, let client, claims.client != client || hello.client != client {
            newcomer.close(.joinedElsewhere, reason: "joined elsewhere")
            return false
        }
        let now = loop.now
        let samePage = client == hello.client
        let answer = lifecycle.participantJoined(at: now)
        switch answer {
        case .refuse:
            if case .ended = lifecycle.outcome {
                newcomer.send(.bye(reason: "ended", rejoinInMilliseconds: nil))
                newcomer.close(.ended, reason: "ended")
            } else {
                // Given up here, and not yet written: whoever comes again finds who goes on with it.
                newcomer.close(.restart, reason: "restart")
            }
            return false
        case .open, .resume: break
        }
        replaceTransport(with: newcomer, samePage: samePage)
        client = hello.client
        // Also when the old line's end was never noticed: what is played meanwhile would go to nobody.
        downlink.disconnected(at: now)
        formats = (up, down)
        resume = samePage ? hello.resume : nil
        note("participant connected (\(up.rawValue) up, \(down.rawValue) down)")
        switch answer {
        case .open: claim(for: hello.client)
        case .resume:
            let kind = samePage ? "same_process" : "another_page"
            services.metrics.add(Metric.rejoins, [kind])
            note("participant came back")
            log.info("participant rejoined", metadata: ["kind": "\(kind)"])
            // Before the row is ours, the claim that is on its way welcomes whoever is connected then.
            if journal != nil {
                update(.reconnected(client: hello.client))
                lineUp(resumed: true, reference: nil, at: now)
                welcome(resumed: true)
                startTicking()
            }
        case .refuse: break
        }
        return true
    }

    /// The uplink learns that somebody is there; the playout does with the `welcome`, before which nothing is sent.
    func lineUp(resumed: Bool, reference: CapturePoint?, at now: Duration) {
        guard transport != nil, let client else { return }
        uplink.connected(format: formats.up, client: client, resumed: resumed, reference: reference, at: now)
    }

    /// A later connection of the same page load closes the earlier 1000; another page load's gets 4001.
    private func replaceTransport(with newcomer: any ParticipantTransport, samePage: Bool) {
        if let old = transport {
            old.close(samePage ? .ended : .joinedElsewhere, reason: samePage ? "replaced" : "joined elsewhere")
        }
        transport = newcomer
        shownState = nil
        isWelcome = false
    }

    /// A connection that never said hello. The seat's own timer lets go of it: another one may be on its way.
    private func missed(_ end: TransportEnd) {
        services.metrics.add(Metric.disconnects, [end.cause])
        note("nobody came (\(end.cause))")
        log.info("participant lost before hello", metadata: ["cause": "\(end.cause)"])
    }

    private func observe(_ newcomer: any ParticipantTransport) -> Bool {
        guard observers.count < Self.mostObservers, lifecycle.outcome == nil else {
            newcomer.close(.tryAgainLater, reason: "observers")
            return false
        }
        observers.append(newcomer)
        if let shownState { newcomer.send(.state(shownState)) }
        newcomer.send(.cost(micros: budget.spentMicros))
        return true
    }

    /// Signs a fresh rejoin token off the loop, then welcomes whoever is connected by then.
    func welcome(resumed: Bool) {
        guard let transport else { return }
        let claims = TokenClaims(
            participant: record.participant, session: id, scope: .rejoin, epoch: record.ownership.epoch,
            client: client)
        let lifetime = lifecycle.limits.hardLimit + lifecycle.limits.rejoin + .seconds(600)
        Task {
            do {
                let token = try await services.tokens.sign(claims, lifetime: lifetime)
                send(welcome: token, resumed: resumed, to: transport)
            } catch {
                log.error("rejoin token could not be signed", metadata: ["error": "\(error)"])
                transport.close(.tryAgainLater, reason: "token")
            }
        }
    }

    private func send(welcome token: String, resumed: Bool, to addressee: any ParticipantTransport) {
        guard let transport, transport === addressee, lifecycle.outcome == nil else { return }
        let now = loop.now
        transport.send(
            .welcome(
                Welcome(
                    session: id, resumed: resumed, rejoinToken: token, url: settings.mediaURL, phase: Self.phase,
                    language: study.language,
                    endsInMilliseconds: Int(lifecycle.remaining(at: now) / .milliseconds(1)),
                    rejoinMilliseconds: Int(lifecycle.limits.rejoin / .milliseconds(1)),
                    resendFrom: resumed ? uplink.resendFrom ?? claimedResendFrom : nil)))
        isWelcome = true
        downlink.connected(format: formats.down, resume: resume, at: now)
        if welcomedAt == nil { welcomedAt = now }
        if resumed { retell(to: transport) }
        // What became known while the welcome was on its way.
        if let shownState {
            transport.send(.state(shownState))
        } else {
            show(providerIsReady ? .listening : .reconnecting, unlessFirst: !resumed)
        }
    }

    /// Turns that a returning page is told again: some became final while it was away, and a reloaded page has none.
    static let mostRetold = 100

    private func retell(to transport: any ParticipantTransport) {
        for turn in spoken.suffix(Self.mostRetold) {
            guard let text = turn.text else { continue }
            transport.send(.transcript(role: turn.speaker, item: turn.item, text: text, final: true))
        }
    }
}

// MARK: - Talking
extension VoiceSession {
    private func heard(
        _ header: AudioFrameHeader, _ payload: UnsafeRawBufferPointer, from sender: any ParticipantTransport
    ) {
        guard let transport, transport === sender, lifecycle.outcome == nil else { return }
        #if REHEARSAL
            trap.heardFrame(from: client ?? "")
        #endif
        let bad = uplink.badPackets
        defer { if uplink.badPackets > bad { services.metrics.add(Metric.badPackets) } }
        do {
            try uplink.heard(header, payload, at: loop.now, in: surroundings)
        } catch {
            violated(error, by: sender)
        }
    }

    private func violated(_ violation: ProtocolViolation, by sender: any ParticipantTransport) {
        sender.send(.error(code: violation.rawValue, message: "The connection is closed because of this frame."))
        sender.close(.protocolError, reason: violation.rawValue)
        lost(sender, .violated(violation))
    }

    private func received(_ message: ParticipantMessage, from sender: any ParticipantTransport) {
        guard let transport, transport === sender, lifecycle.outcome == nil else { return }
        let now = loop.now
        switch message {
        case .played(let item, let milliseconds): played(item: item, milliseconds: milliseconds, at: now)
        case .mute(let on): note(on ? "muted" : "unmuted")
        case .leave:
            note("participant left")
            if case .end(let end) = lifecycle.participantLeft(at: now) { finish(end) }
        case .stats(let stats):
            clientStats = stats
            timeline.reported(stats, at: now)
        case .hello, .beat: break
        }
    }

    /// Uplink before this is durable: the client may forget it. Never passes an open turn, nor what the provider's
    /// VAD may not have reported yet.
    func acknowledge(at now: Duration) {
        guard let transport, let latest = uplink.lastReceived, journal?.count == 0 else { return }
        let margin: UInt32 = 2 * 48_000
        guard latest.position > Int64(margin) else { return }
        var durable = latest.timestamp &- margin
        if let open = ledger.earliestOpenCapture, SerialNumber.distance(from: open, to: durable) > 0 { durable = open }
        if let acked = ackedUpTo, SerialNumber.distance(from: acked, to: durable) <= 0 { return }
        ackedUpTo = durable
        transport.send(.ack(timestamp: durable))
    }

    /// Tells participant and observers, when it is news. The first `reconnecting` of a new conversation is no news:
    /// the page shows that it connects.
    func show(_ state: ConversationState, unlessFirst: Bool = false) {
        if unlessFirst, state == .reconnecting { return }
        guard shownState != state else { return }
        shownState = state
        // Nothing is sent before the welcome, which is followed by the state as it is then.
        if isWelcome { transport?.send(.state(state)) }
        for observer in observers { observer.send(.state(state)) }
    }

    func broadcast(_ message: AgentMessage) {
        transport?.send(message)
        for observer in observers { observer.send(message) }
    }
}

// MARK: - Going
extension VoiceSession {
    private func lost(_ gone: any ParticipantTransport, _ end: TransportEnd) {
        if let index = observers.firstIndex(where: { $0 === gone }) {
            observers.remove(at: index)
            return
        }
        guard let transport, transport === gone else { return }
        self.transport = nil
        shownState = nil
        isWelcome = false
        let now = loop.now
        services.metrics.add(Metric.disconnects, [end.cause])
        note("participant lost (\(end.cause))")
        log.info("participant lost", metadata: ["cause": "\(end.cause)"])
        uplink.disconnected(at: now)
        switch lifecycle.participantLost(at: now) {
        case .suspend:
            downlink.disconnected(at: now)
            ackedUpTo = nil
            if journal != nil {
                update(.disconnected(activeMilliseconds: Int64(lifecycle.activeTime(at: now) / .milliseconds(1))))
            }
        case .end(let end): finish(end)
        case .nothing: break
        }
    }
}

extension TransportEnd {
    /// Word for metrics and timeline.
    var cause: String {
        switch self {
        case .closed(let code): code.map { "closed_\($0)" } ?? "closed"
        case .dead: "dead"
        case .violated(let violation): violation.rawValue
        case .tooSlow: "too_slow"
        }
    }
}
