import InterviewCore
import Logging
import Ports

// MARK: - A younger connection, while the present one works
extension VoiceSession {
    /// Opened beside the present connection; it becomes the present one when it is ready and the moment is right.
    struct Successor {
        let connection: any ProviderConnection
        /// What it was told of the conversation.
        let lines: [ConversationContext.Line]
        let openedAt: Duration
    }

    /// The connection that was moved away from, heard until its bill is complete and no longer than `billPatience`.
    struct Predecessor {
        let connection: any ProviderConnection
        let generation: Int
        /// Its answer that was cut off.
        var unbilled: Answer?
    }

    static let billPatience: Duration = .seconds(2)

    /// Opens another connection when the present one is near its end and the conversation lets it.
    func renew(at now: Duration) {
        guard provider != nil, providerIsReady, successor == nil else { return }
        switch lifecycle.state {
        case .live, .suspended: break
        case .waiting, .opening, .openingAlone, .farewell, .over: return
        }
        guard case .open = renewal.looked(moment(at: now), at: now) else { return }
        note("opening another connection beside the present one")
        services.metrics.add(Metric.providerRequests, [services.provider.name, "renew"])
        let lines = contextLines()
        successor = Successor(connection: connect(lines, notice: nil), lines: lines, openedAt: now)
    }

    private func moment(at now: Duration) -> RenewalPolicy.Moment {
        RenewalPolicy.Moment(
            participantSpeaks: participantIsSpeaking, answerRuns: answer != nil, answerIsOwed: watch.isOwed,
            agentIsHeard: !downlink.isSilent(at: now), turnsAreOpen: !ledger.isEmpty,
            isWrappingUp: lifecycle.isWrappingUp)
    }

    func successorDid(_ event: ProviderEvent, at now: Duration) {
        switch event {
        case .ready: successorReady(at: now)
        case .failed(let failure):
            count(failure)
            note("another connection failed: \(failure.kind.rawValue) \(failure.code)")
            successor = nil
            renewal.attemptFailed(at: now)
        case .complained(let code):
            services.metrics.add(Metric.providerErrors, [services.provider.name, "complaint"])
            note("provider complained: \(code)")
        case .speechStarted, .speechStopped, .inputCommitted, .participantTranscript, .participantTranscriptFailed,
            .transcriptionUsage, .answerStarted, .agentItemStarted, .agentTranscript, .agentAudioFinished,
            .toolCalled, .answerFinished, .truncated, .goingAway:
            break
        }
    }

    private func successorReady(at now: Duration) {
        guard let successor else { return }
        switch lifecycle.state {
        case .live, .suspended: break
        case .waiting, .opening, .openingAlone, .farewell, .over: return dropSuccessor()
        }
        let lines = contextLines()
        let context: RenewalPolicy.Context =
            lines == successor.lines ? .current : lines.count == successor.lines.count ? .grown : .stale
        switch renewal.ready(moment(at: now), context: context, at: now) {
        case .moveOver: moveOver(to: successor, at: now)
        case .discard:
            note("another connection came too late for this moment")
            dropSuccessor()
        }
    }

    /// Within this call: what the old connection was given and has not settled goes to the new one, and so does every
    /// sample from here on.
    private func moveOver(to successor: Successor, at now: Duration) {
        services.metrics.observe(
            Metric.providerLatency, [services.provider.name, "connect"], (now - successor.openedAt) / .seconds(1))
        services.metrics.add(Metric.providerRenewals, [services.provider.name])
        note("moved over to another connection")
        self.successor = nil
        let old = provider
        let generation = providerGeneration
        let cut = answer
        let wasOwed = watch.isOwed
        leave(at: now)
        answerWasCut = false
        provider = successor.connection
        providerGeneration += 1
        providerOpenedAt = successor.openedAt
        if let old { hearBill(of: Predecessor(connection: old, generation: generation, unbilled: cut), at: now) }
        goOn(givesTurnAgain: enter(at: now), answerIsOwed: wasOwed || cut != nil, at: now)
    }

    func dropSuccessor() {
        let dropped = successor
        successor = nil
        dropped?.connection.close()
    }
}

// MARK: - The bill of what was left
extension VoiceSession {
    private func hearBill(of old: Predecessor, at now: Duration) {
        closePredecessor()
        predecessor = old
        // One that is still on its way is cancelled when it begins.
        if old.unbilled != nil { old.connection.cancelAnswer() }
        _ = loop.schedule(at: now + Self.billPatience) { [self] in
            assumeIsolated { session in
                guard session.predecessor?.connection === old.connection else { return }
                session.closePredecessor()
            }
        }
    }

    func predecessorDid(_ event: ProviderEvent) {
        switch event {
        case .answerStarted(let response):
            predecessor?.unbilled = Answer(response: response)
            predecessor?.connection.cancelAnswer()
        case .answerFinished(let response, _, let usage):
            guard let usage else { return }
            if predecessor?.unbilled?.response == response { predecessor?.unbilled = nil }
            heardSinceAnswer = .zero
            charge(usage, model: services.provider.model, response: response)
        case .transcriptionUsage(let item, let usage):
            if let model = services.provider.transcriptionModel { charge(usage, model: model, response: item) }
        case .participantTranscript(let item, let text, let final):
            // Of a turn that it has answered; one that is given again is not known any more.
            guard let generation = predecessor?.generation,
                let ours = ledger.participantTranscribed(key: "\(generation)/\(item)", text: text, final: final)
            else { return }
            broadcast(.transcript(role: .participant, item: ours, text: text, final: final))
        case .failed: closePredecessor()
        case .ready, .speechStarted, .speechStopped, .inputCommitted, .participantTranscriptFailed, .agentItemStarted,
            .agentTranscript, .agentAudioFinished, .toolCalled,
            .truncated, .complained, .goingAway:
            break
        }
    }

    func closePredecessor() {
        guard let gone = predecessor else { return }
        predecessor = nil
        gone.connection.close()
        if let unbilled = gone.unbilled { chargeEstimate(of: unbilled) }
    }

    /// An answer whose bill will not come is charged by its seconds of sound.
    func chargeEstimate(of answer: Answer) {
        let rate = services.provider.outputRate
        let usage = Usage.estimate(
            audioIn: heardSinceAnswer, audioOut: .milliseconds(answer.samples * 1_000 / max(rate, 1)))
        heardSinceAnswer = .zero
        guard usage != Usage() else { return }
        charge(usage, model: services.provider.model, response: answer.response, estimated: true)
    }

    /// For the share of the input that came from the provider's cache.
    func noteCache(_ usage: Usage) {
        let name = services.provider.name
        let cached = usage.cachedInputTokens
        services.metrics.add(Metric.inputTokens, [name, "cached"], by: Double(cached))
        services.metrics.add(Metric.inputTokens, [name, "fresh"], by: Double(usage.inputTokens - cached))
    }
}
