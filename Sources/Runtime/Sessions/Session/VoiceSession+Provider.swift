import InterviewCore
import Logging
import Ports

// MARK: - Mailbox
extension VoiceSession: ProviderEvents {
    package nonisolated func provider(_ connection: any ProviderConnection, did event: ProviderEvent) {
        flight.within(.provider) { assumeIsolated { $0.happened(event, on: connection) } }
    }

    package nonisolated func provider(
        _ connection: any ProviderConnection, spoke samples: UnsafeBufferPointer<Int16>, item: String,
        response: String
    ) {
        nonisolated(unsafe) let samples = samples
        flight.within(.provider) { assumeIsolated { $0.spoke(samples, item: item, on: connection) } }
    }

    private func happened(_ event: ProviderEvent, on connection: any ProviderConnection) {
        guard lifecycle.outcome == nil else { return }
        let now = loop.now
        // Late events of a connection that is gone mean nothing.
        if provider === connection {
            providerDid(event, at: now)
        } else if successor?.connection === connection {
            successorDid(event, at: now)
        } else if predecessor?.connection === connection {
            predecessorDid(event)
        }
    }

    private func spoke(
        _ samples: UnsafeBufferPointer<Int16>, item: String, on connection: any ProviderConnection
    ) {
        guard provider === connection, lifecycle.outcome == nil else { return }
        let now = loop.now
        providerLives(at: now)
        providerSpoke(samples, key: key(of: item), at: now)
    }
}

// MARK: - Opening
extension VoiceSession {
    static let farewellTool = "end_interview"

    /// The first connection, and the one after a loss. `renew` opens one beside a connection that works.
    func openProvider() {
        providerIsReady = false
        providerGeneration += 1
        providerOpenedAt = loop.now
        answer = nil
        note("opening provider connection \(providerGeneration)")
        let lines = contextLines()
        provider = connect(
            lines, notice: lines.isEmpty ? nil : "The line was interrupted for a moment and is back. Go on naturally.")
        services.metrics.add(Metric.providerRequests, [services.provider.name, "connect"])
    }

    /// What there is to tell a connection of the conversation so far.
    func contextLines() -> [ConversationContext.Line] { ConversationContext.lines(of: spoken + ledger.pending) }

    /// - Parameter notice: what the model is told of the moment, behind the conversation so far.
    func connect(_ lines: [ConversationContext.Line], notice: String?) -> any ProviderConnection {
        var context = lines.map { line in
            switch line.speaker {
            case .participant: ContextItem.participant(line.text)
            case .agent: ContextItem.agent(line.text)
            }
        }
        if let notice { context.append(.system(notice)) }
        // A connection that comes late must know what the earlier one was told.
        if lifecycle.isWrappingUp { context.append(.system(Self.wrapUpInstructions)) }
        let setup = ProviderSetup(
            instructions: study.instructions, language: study.language, voice: study.voice,
            tools: [
                ToolDefinition(
                    name: Self.farewellTool,
                    description: "Ends the interview. Call it once, after you have said goodbye.",
                    parameters: #"{"type":"object","properties":{},"additionalProperties":false}"#)
            ],
            maxOutputTokens: settings.maxOutputTokens, context: context)
        return services.provider.open(on: loop, setup: setup, events: self)
    }

    func providerReady(at now: Duration) {
        services.metrics.observe(
            Metric.providerLatency, [services.provider.name, "connect"], (now - providerOpenedAt) / .seconds(1))
        note("provider ready after \(Int((now - providerOpenedAt) / .milliseconds(1))) ms")
        let givesTurnAgain = enter(at: now)
        let wasCut = answerWasCut
        answerWasCut = false
        switch lifecycle.providerReady(at: now) {
        case .greet: ask(greeting, at: now)
        case .goOn:
            let said = spoken + ledger.pending
            let isOwed = said.isEmpty || wasCut || ConversationContext.answerIsOwed(after: said)
            goOn(givesTurnAgain: givesTurnAgain, answerIsOwed: isOwed, at: now)
        case .sayGoodbye: ask("Say goodbye to the participant now, in one sentence.", at: now)
        case .nothing: break
        }
    }

    /// The conversation's sound goes to the present connection from here on: first what was held for it, then what comes.
    /// - Returns: there is a turn in it, which the provider finds and answers by itself.
    func enter(at now: Duration) -> Bool {
        providerIsReady = true
        lineWatch = LineWatch()
        let givesTurnAgain = uplink.holdsTurn
        if let provider { uplink.providerReady(provider, at: now) }
        return givesTurnAgain
    }

    func goOn(givesTurnAgain: Bool, answerIsOwed: Bool, at now: Duration) {
        if givesTurnAgain {
            watch.turnGivenAgain(at: now)
            show(.thinking)
        } else if answerIsOwed {
            askToGoOn(at: now)
        } else if downlink.isSilent(at: now) {
            show(.listening)
        }
    }
}

// MARK: - Losing
extension VoiceSession {
    func providerLost(_ failure: ProviderFailure, at now: Duration) {
        count(failure)
        log.warning("provider lost", metadata: ["kind": "\(failure.kind.rawValue)", "code": "\(failure.code)"])
        note("provider lost: \(failure.kind.rawValue) \(failure.code)")
        dropSuccessor()
        renewal.ended()
        let lost = provider
        let again = reopening.lost(wasReady: providerIsReady)
        let cut = answer
        let goodbyeIsOwed = farewellIsOwed && cut?.hasSpoken != true
        leave(at: now)
        lost?.close()
        if let cut { chargeEstimate(of: cut) }
        guard lifecycle.outcome == nil else { return }
        let curable: Bool
        switch failure.kind {
        case .auth, .quota: curable = false
        case .rateLimit, .network, .protocol, .expired, .server: curable = again != .giveUp
        }
        switch lifecycle.providerLost(
            failure.kind.rawValue, curable: curable, goodbyeIsOwed: goodbyeIsOwed, at: now)
        {
        case .reopen:
            show(.reconnecting)
            guard case .wait(let wait) = again else { return }
            _ = loop.schedule(at: now + wait) { [self] in
                assumeIsolated { session in
                    guard session.provider == nil, session.lifecycle.outcome == nil else { return }
                    session.openProvider()
                }
            }
        case .playOut: farewellIsOwed = false
        case .end(let end): finish(end)
        case .nothing: break
        }
    }

    /// The present connection is given up, lost or not: what it has neither written down nor answered is kept for the
    /// next, what it has said is played to its end.
    func leave(at now: Duration) {
        provider = nil
        providerIsReady = false
        if answer?.hasSpoken == true { uplink.answered() }
        let heardAgain = uplink.providerClosed()
        participantIsSpeaking = false
        speechStartedAt = nil
        watch.settled()
        if answer != nil { answerWasCut = true }
        answer = nil
        downlink.finishAll()
        ledger.providerLost(heardAgain: heardAgain)
        settleTurns(at: now)
    }

    func count(_ failure: ProviderFailure) {
        services.metrics.add(Metric.providerErrors, [services.provider.name, failure.kind.rawValue])
    }

    /// Any event, any sound.
    func providerLives(at now: Duration) {
        watch.providerSpoke(at: now)
        lineWatch.providerSpoke()
    }
}
