import InterviewCore
import Ports

// MARK: - The agent's voice
extension VoiceSession {
    func agentItemStarted(_ key: String, at now: Duration) {
        let item = newItem()
        answer?.items.append(key)
        downlink.began(key: key, item: item)
        ledger.agentStarted(key: key, item: item, at: conversationTime(at: now))
    }

    func providerSpoke(_ samples: UnsafeBufferPointer<Int16>, key: String, at now: Duration) {
        answer?.hasSpoken = true
        answer?.samples += samples.count
        do { try downlink.spoke(samples, key: key) } catch {
            // More than the playout may hold: the provider has lost its measure, not the participant.
            note("playout full: answer cancelled")
            services.metrics.add(Metric.providerErrors, [services.provider.name, "playout_full"])
            provider?.cancelAnswer()
            downlink.finished(key: key)
            return
        }
        pumpDownlink(at: now)
    }

    /// Encodes what is owed, sends what is due, and settles what has been heard.
    func pumpDownlink(at now: Duration) {
        guard !downlink.isIdle else { return }
        let outcomes = downlink.pump(
            at: now, position: recordingPosition(at: now), to: isWelcome ? transport : nil, in: surroundings)
        if downlink.isMute { fail("encoder") }
        guard !outcomes.isEmpty else { return }
        settle(outcomes, at: now)
        settleTurns(at: now)
    }

    private func settle(_ outcomes: [DownlinkPath.Outcome], at now: Duration) {
        for outcome in outcomes {
            switch outcome {
            case .audible(let key): becameAudible(key, at: now)
            case .ended(let key, let heard):
                if let item = providerItem(of: key) {
                    provider?.truncate(item: item, heard: .milliseconds(heard))
                }
                ledger.agentEnded(key: key, at: conversationTime(at: now), heard: Int64(heard))
            case .playedOut(let key):
                ledger.agentEnded(key: key, at: conversationTime(at: now), heard: nil)
                if shownState == .talking, downlink.isSilent(at: now) { show(.listening) }
            }
        }
    }

    private func becameAudible(_ key: String, at now: Duration) {
        ledger.agentAudible(key: key, at: conversationTime(at: now))
        let name = services.provider.name
        if !firstFrameSeen, let welcomedAt {
            firstFrameSeen = true
            services.metrics.observe(Metric.ttfv, [name], (now - welcomedAt) / .seconds(1))
            note("first voice after \(Int((now - welcomedAt) / .milliseconds(1))) ms")
        }
        if let stopped = speechStoppedAt {
            speechStoppedAt = nil
            let latency = now - stopped
            services.metrics.observe(Metric.turnLatency, [name], latency / .seconds(1))
            services.metrics.observe(Metric.providerLatency, [name, "answer"], latency / .seconds(1))
            if turnLatencies.count == 20 { turnLatencies.removeFirst() }
            turnLatencies.append(Int(latency / .milliseconds(1)))
            note("answer after \(Int(latency / .milliseconds(1))) ms")
        }
        show(lifecycle.isWrappingUp ? .wrappingUp : .talking)
    }

    /// The participant speaks: the agent stops within this callback. What was heard of it is settled when the client
    /// has said so, or after 200 ms by our own estimate.
    func bargeIn(at now: Duration) {
        let (flush, unsaid) = downlink.interrupted(at: now)
        for key in unsaid {
            ledger.agentDropped(key: key)
            if let item = providerItem(of: key) { provider?.truncate(item: item, heard: .zero) }
        }
        if !flush.isEmpty { note("barge-in") }
        for item in flush { transport?.send(.flush(item: item)) }
        pumpDownlink(at: now)
    }

    func played(item: String, milliseconds: Int, at now: Duration) {
        downlink.played(item: item, milliseconds: milliseconds, at: now)
        pumpDownlink(at: now)
    }

    /// The conversation ends here: what was said so far stays said.
    func stopDownlink(at now: Duration) {
        for outcome in downlink.stop(at: now) {
            switch outcome {
            case .audible: break
            case .ended(let key, let heard):
                ledger.agentEnded(key: key, at: conversationTime(at: now), heard: Int64(heard))
            case .playedOut(let key): ledger.agentEnded(key: key, at: conversationTime(at: now), heard: nil)
            }
        }
    }

    func checkFarewell(at now: Duration) {
        guard case .farewell = lifecycle.state else { return }
        guard !farewellIsOwed, answer == nil, downlink.isSilent(at: now) else { return }
        if case .end(let end) = lifecycle.playedOut(at: now) { finish(end) }
    }
}

// MARK: - Names
extension VoiceSession {
    /// A provider's item id, made unique over the connections of this session.
    func key(of item: String) -> String { "\(providerGeneration)/\(item)" }

    /// The present provider's own id; nil when an earlier connection made it.
    func providerItem(of key: String) -> String? {
        let prefix = "\(providerGeneration)/"
        return key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : nil
    }
}
