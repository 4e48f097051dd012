import InterviewCore
import Logging
import Ports

// MARK: - Mailbox
extension VoiceSession: ProviderEvents {
    package nonisolated func provider(_ connection: any ProviderConnection, did event: ProviderEvent) {
        assumeIsolated { session in
            // Late events of a connection that has been replaced mean nothing.
            guard session.provider === connection, session.lifecycle.outcome == nil else { return }
            session.providerDid(event, at: session.loop.now)
        }
    }

    package nonisolated func provider(
        _ connection: any ProviderConnection, spoke samples: UnsafeBufferPointer<Int16>, item: String,
        response: String
    ) {
        nonisolated(unsafe) let samples = samples
        assumeIsolated { session in
            guard session.provider === connection, session.lifecycle.outcome == nil else { return }
            session.watch.providerSpoke(at: session.loop.now)
            session.providerSpoke(samples, key: session.key(of: item), at: session.loop.now)
        }
    }
}

// MARK: - Opening
extension VoiceSession {
    static let farewellTool = "end_interview"

    func openProvider() {
        providerIsReady = false
        providerGeneration += 1
        providerOpenedAt = loop.now
        answer = nil
        services.metrics.add(Metric.providerRequests, [services.provider.name, "connect"])
        let context = ConversationContext.lines(of: spoken + ledger.pending).map { line in
            switch line.speaker {
            case .participant: ContextItem.participant(line.text)
            case .agent: ContextItem.agent(line.text)
            }
        }
        let setup = ProviderSetup(
            instructions: study.instructions, language: study.language, voice: study.voice,
            tools: [
                ToolDefinition(
                    name: Self.farewellTool,
                    description: "Ends the interview. Call it once, after you have said goodbye.",
                    parameters: #"{"type":"object","properties":{},"additionalProperties":false}"#)
            ],
            maxOutputTokens: settings.maxOutputTokens,
            context: context.isEmpty
                ? [] : context + [.system("The line was interrupted for a moment and is back. Go on naturally.")])
        provider = services.provider.open(on: loop, setup: setup, events: self)
    }

    private func providerLost(_ failure: ProviderFailure, at now: Duration) {
        services.metrics.add(Metric.providerErrors, [services.provider.name, failure.kind.rawValue])
        log.warning("provider lost", metadata: ["kind": "\(failure.kind.rawValue)", "code": "\(failure.code)"])
        note("provider lost: \(failure.kind.rawValue) \(failure.code)")
        let lost = provider
        let again = reopening.lost(wasReady: providerIsReady)
        provider = nil
        providerIsReady = false
        lost?.close()
        // What the provider has neither written down nor answered is given to the next one.
        if answer?.hasSpoken == true { uplink.answered() }
        let heardAgain = uplink.providerClosed()
        participantIsSpeaking = false
        watch.settled()
        if answer != nil { answerWasCut = true }
        answer = nil
        // What it has said so far is played to its end.
        downlink.finishAll()
        ledger.providerLost(heardAgain: heardAgain)
        settleTurns(at: now)
        let curable: Bool
        switch failure.kind {
        case .auth, .quota: curable = false
        case .rateLimit, .network, .protocol, .expired, .server: curable = again != .giveUp
        }
        switch lifecycle.providerLost(failure.kind.rawValue, curable: curable, at: now) {
        case .reopen:
            show(.reconnecting)
            guard case .wait(let wait) = again else { return }
            _ = loop.schedule(at: now + wait) { [self] in
                assumeIsolated { session in
                    guard session.provider == nil, session.lifecycle.outcome == nil else { return }
                    session.openProvider()
                }
            }
        case .end(let end): finish(end)
        case .nothing: break
        }
    }
}

// MARK: - Events
extension VoiceSession {
    private func providerDid(_ event: ProviderEvent, at now: Duration) {
        watch.providerSpoke(at: now)
        switch event {
        case .ready: providerReady(at: now)
        case .speechStarted(let item, let start): speechStarted(item, at: start, now: now)
        case .speechStopped(let item, let end): speechStopped(item, at: end, now: now)
        case .inputCommitted(let item): ledger.participantCommitted(key: key(of: item), at: now)
        case .participantTranscript(let item, let text, let final):
            if final { uplink.turnSettled(key(of: item)) }
            if let ours = ledger.participantTranscribed(key: key(of: item), text: text, final: final) {
                broadcast(.transcript(role: .participant, item: ours, text: text, final: final))
            }
        case .participantTranscriptFailed(let item, let code):
            uplink.turnSettled(key(of: item))
            ledger.participantTranscriptFailed(key: key(of: item))
            note("transcript failed: \(code)")
        case .transcriptionUsage(let item, let usage):
            if let model = services.provider.transcriptionModel { charge(usage, model: model, response: item) }
        case .answerStarted(let response):
            answer = Answer(response: response)
            services.metrics.add(Metric.providerRequests, [services.provider.name, "answer"])
        case .agentItemStarted(let item, _): agentItemStarted(key(of: item), at: now)
        case .agentTranscript(let item, let text, let final):
            if let ours = ledger.agentTranscribed(key: key(of: item), text: text, final: final) {
                broadcast(.transcript(role: .agent, item: ours, text: text, final: final))
            }
        case .agentAudioFinished(let item): downlink.finished(key: key(of: item))
        case .toolCalled(let call, let name, _, _): toolCalled(call, name, at: now)
        case .answerFinished(let response, let outcome, let usage):
            answerFinished(response, outcome, usage, at: now)
        case .truncated: break
        case .complained(let code):
            services.metrics.add(Metric.providerErrors, [services.provider.name, "complaint"])
            note("provider complained: \(code)")
        case .goingAway(let within): note("provider goes away within \(within)")
        case .failed(let failure): providerLost(failure, at: now)
        }
        settleTurns(at: now)
    }

    private func providerReady(at now: Duration) {
        providerIsReady = true
        services.metrics.observe(
            Metric.providerLatency, [services.provider.name, "connect"], (now - providerOpenedAt) / .seconds(1))
        note("provider ready")
        let givesTurnAgain = uplink.holdsTurn
        if let provider { uplink.providerReady(provider, at: now) }
        let wasCut = answerWasCut
        answerWasCut = false
        switch lifecycle.providerReady(at: now) {
        case .greet: ask(greeting, at: now)
        case .goOn:
            let said = spoken + ledger.pending
            if givesTurnAgain {
                // The provider finds the turn in the sound that it was given, and answers it by itself.
                watch.turnGivenAgain(at: now)
                show(.thinking)
            } else if said.isEmpty || wasCut || ConversationContext.answerIsOwed(after: said) {
                askToGoOn(at: now)
            } else {
                show(.listening)
            }
        case .nothing: break
        }
    }

    /// Asks for the answer that is owed; a greeting that was cut off before it was a turn is owed again.
    private func askToGoOn(at now: Duration) {
        ask(spoken.isEmpty && ledger.pending.isEmpty ? greeting : nil, at: now)
    }

    private func ask(_ instructions: String?, at now: Duration) {
        provider?.requestAnswer(instructions: instructions)
        watch.answerOwed(at: now)
        show(.thinking)
    }

    /// A provider that owes an answer and says nothing is replaced.
    func watchProvider(at now: Duration) {
        guard provider != nil, providerIsReady else { return }
        switch watch.looked(at: now) {
        case .nothing: break
        case .ask: if answer == nil, !participantIsSpeaking { askToGoOn(at: now) }
        case .reopen: providerLost(ProviderFailure(kind: .network, code: "stalled"), at: now)
        }
    }

    private var greeting: String? {
        study.greeting.isEmpty
            ? nil : "Greet the participant now, in these words or very close to them: \(study.greeting)"
    }

    private func speechStarted(_ item: String, at start: Int, now: Duration) {
        lifecycle.participantSpoke(at: now)
        participantIsSpeaking = true
        speechStoppedAt = nil
        watch.settled()
        uplink.turnBegan(key(of: item), at: start)
        ledger.participantStarted(
            key: key(of: item), item: newItem(), at: conversationTime(ofProvider: start, now: now),
            captureStart: uplink.capture(ofProvider: start)?.timestamp,
            client: uplink.capture(ofProvider: start)?.client ?? client)
        bargeIn(at: now)
        show(.listening)
    }

    private func speechStopped(_ item: String, at end: Int, now: Duration) {
        lifecycle.participantSpoke(at: now)
        participantIsSpeaking = false
        speechStoppedAt = now
        watch.answerOwed(at: now)
        uplink.turnEnded(key(of: item), at: end)
        ledger.participantStopped(
            key: key(of: item), at: conversationTime(ofProvider: end, now: now),
            captureEnd: uplink.capture(ofProvider: end)?.timestamp)
        show(.thinking)
    }

    /// The provider counts the audio it was given; the uplink knows when that was spoken.
    private func conversationTime(ofProvider milliseconds: Int, now: Duration) -> Int64 {
        uplink.capture(ofProvider: milliseconds)?.milliseconds ?? conversationTime(at: now)
    }

    private func toolCalled(_ call: String, _ name: String, at now: Duration) {
        note("tool \(name)")
        guard name == Self.farewellTool else {
            provider?.answerTool(call: call, output: #"{"error":"there is no such tool"}"#, thenSpeak: true)
            return
        }
        let saidGoodbye = answer?.hasSpoken ?? false
        switch lifecycle.endRequested(at: now) {
        case .farewell:
            farewellIsOwed = !saidGoodbye
            provider?.answerTool(
                call: call,
                output: saidGoodbye ? #"{"ok":true}"# : #"{"ok":true,"next":"say goodbye in one sentence"}"#,
                thenSpeak: !saidGoodbye)
            show(.wrappingUp)
        case .end(let end): finish(end)
        case .nothing: break
        }
    }

    private func answerFinished(
        _ response: String, _ outcome: AnswerOutcome, _ usage: Usage?, at now: Duration
    ) {
        let items = answer?.response == response ? answer?.items ?? [] : []
        let hadSpoken = answer?.response == response && (answer?.hasSpoken ?? false)
        if answer?.response == response {
            answer = nil
            watch.settled()
        }
        ledger.agentAnswerFinished(keys: items)
        for item in items where !downlink.knows(item) { ledger.agentDropped(key: item) }
        for item in items { downlink.finished(key: item) }
        if let usage { charge(usage, model: services.provider.model, response: response) }
        switch outcome {
        case .completed, .incomplete:
            failedAnswers = 0
            reopening.answered()
            if hadSpoken {
                farewellIsOwed = false
                uplink.answered()
            }
        case .cancelled: break
        case .failed(let failure): answerFailed(failure, at: now)
        }
        if !hadSpoken, shownState == .thinking, !participantIsSpeaking { show(.listening) }
    }

    /// A failed answer arrives as an event, not as a close: asked for again, with a growing pause, three times.
    private func answerFailed(_ failure: ProviderFailure, at now: Duration) {
        services.metrics.add(Metric.providerErrors, [services.provider.name, failure.kind.rawValue])
        note("answer failed: \(failure.kind.rawValue) \(failure.code)")
        switch failure.kind {
        case .auth, .quota:
            providerLost(failure, at: now)
            return
        case .rateLimit, .network, .protocol, .expired, .server: break
        }
        failedAnswers += 1
        guard failedAnswers <= 3 else {
            failedAnswers = 0
            providerLost(failure, at: now)
            return
        }
        _ = loop.schedule(at: now + .milliseconds(500) * failedAnswers) { [self] in
            assumeIsolated { session in
                guard session.providerIsReady, session.answer == nil, !session.participantIsSpeaking else { return }
                session.askToGoOn(at: session.loop.now)
            }
        }
    }
}

// MARK: - What the agent is asked to say by itself
extension VoiceSession {
    func askStillThere() {
        guard providerIsReady, answer == nil, downlink.isSilent(at: loop.now), !participantIsSpeaking else {
            return lifecycle.stillThereWasNotAsked()
        }
        note("asking: still there?")
        provider?.requestAnswer(
            instructions: "Ask the participant in one short, friendly sentence whether they are still there.")
    }

    func wrapUp(because what: String) {
        guard providerIsReady, !participantIsSpeaking else { return lifecycle.wrapUpWasNotBegun() }
        note("wrapping up: \(what)")
        show(.wrappingUp)
        if answer != nil { provider?.cancelAnswer() }
        provider?.requestAnswer(
            instructions: """
                The time for this interview is nearly over. Say so kindly in one or two sentences, thank the \
                participant, say goodbye and then call the tool end_interview.
                """)
    }
}
