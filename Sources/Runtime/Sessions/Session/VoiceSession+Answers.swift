import InterviewCore
import Logging
import Ports

// MARK: - Events
extension VoiceSession {
    func providerDid(_ event: ProviderEvent, at now: Duration) {
        providerLives(at: now)
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
        case .goingAway(let within):
            note("provider goes away within \(within)")
            renewal.goingAway(within: within, at: now)
            renew(at: now)
        case .failed(let failure): providerLost(failure, at: now)
        }
        settleTurns(at: now)
    }

    /// Asks for the answer that is owed; a greeting that was cut off before it was a turn is owed again.
    func askToGoOn(at now: Duration) {
        ask(spoken.isEmpty && ledger.pending.isEmpty ? greeting : nil, at: now)
    }

    func ask(_ instructions: String?, at now: Duration) {
        provider?.requestAnswer(instructions: instructions)
        watch.answerOwed(at: now)
        show(.thinking)
    }

    /// A provider that owes an answer and says nothing is replaced.
    func watchProvider(at now: Duration) {
        guard let provider, providerIsReady else { return }
        lineWatch.gave(speech: uplink.takeSpeech(), at: now)
        if case .ping = lineWatch.looked(at: now) { provider.ping(within: LineWatch.pongWithin) }
        switch watch.looked(at: now) {
        case .nothing: break
        case .ask: if answer == nil, !participantIsSpeaking { askToGoOn(at: now) }
        case .reopen: providerLost(ProviderFailure(kind: .network, code: "stalled"), at: now)
        }
    }

    var greeting: String? {
        study.greeting.isEmpty
            ? nil : "Greet the participant now, in these words or very close to them: \(study.greeting)"
    }

    private func speechStarted(_ item: String, at start: Int, now: Duration) {
        lifecycle.participantSpoke(at: now)
        participantIsSpeaking = true
        speechStartedAt = start
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
        if let speechStartedAt { heardSinceAnswer += .milliseconds(max(end - speechStartedAt, 0)) }
        speechStartedAt = nil
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
        // Any other name is the model's own invention.
        note(name == Self.farewellTool ? "tool \(name)" : "a tool that there is not")
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
        let ended = answer?.response == response ? answer : nil
        let hadSpoken = ended?.hasSpoken ?? false
        if ended != nil {
            answer = nil
            watch.settled()
        }
        ledger.agentAnswerFinished(keys: items)
        for item in items where !downlink.knows(item) { ledger.agentDropped(key: item) }
        for item in items { downlink.finished(key: item) }
        if let usage {
            charge(usage, model: services.provider.model, response: response)
            noteCache(usage)
            heardSinceAnswer = .zero
        } else if let ended, ended.hasSpoken {
            chargeEstimate(of: ended)
        }
        guard lifecycle.outcome == nil else { return }
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

    /// Asked for again so often, then the connection is given up.
    static let mostFailedAnswers = 3

    /// A failed answer arrives as an event, not as a close: asked for again, with a growing pause, three times.
    private func answerFailed(_ failure: ProviderFailure, at now: Duration) {
        note("answer failed: \(failure.kind.rawValue) \(failure.code)")
        failedAnswers += 1
        let isHopeless: Bool
        switch failure.kind {
        case .auth, .quota: isHopeless = true
        case .rateLimit, .network, .protocol, .expired, .server: isHopeless = failedAnswers > Self.mostFailedAnswers
        }
        guard !isHopeless else {
            failedAnswers = 0
            providerLost(failure, at: now)
            return
        }
        count(failure)
        watch.answerOwed(at: now)
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
        watch.answerOwed(at: loop.now)
    }

    func wrapUp(because what: String) {
        guard providerIsReady, !participantIsSpeaking else { return lifecycle.wrapUpWasNotBegun() }
        note("wrapping up: \(what)")
        show(.wrappingUp)
        if answer != nil { provider?.cancelAnswer() }
        provider?.requestAnswer(instructions: Self.wrapUpInstructions)
        watch.answerOwed(at: loop.now)
    }

    static let wrapUpInstructions = """
        The time for this interview is nearly over. Say so kindly in one or two sentences, thank the participant, say \
        goodbye and then call the tool end_interview.
        """
}
