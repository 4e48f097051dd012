import InterviewCore
import NIOCore

/// Sound both ways, and the messages about it.
extension Participant {
    // MARK: Up

    /// Captures what the clock says is due. Goes on while disconnected, as a microphone does.
    func capture() {
        guard let captureBegan else { return }
        let due = Int(Self.nanoseconds(now - captureBegan) / 20_000_000) + 1
        while captured < due {
            let timestamp = firstTimestamp &+ UInt32(truncatingIfNeeded: captured) &* PreparedVoice.frameUnits
            captured += 1
            let frame = plan.next(agentPlaying: playback.isPlaying)
            mutedByPlan = frame.source == nil
            if let source = frame.source, !mutedByHand {
                memory.captured(source, at: timestamp)
                if settings.keepsCapture {
                    report.captured.append(ParticipantReport.Capture(timestamp: timestamp, source: source))
                }
            }
            if frame.endsUtterance { utteranceEnded = now }
        }
    }

    /// Sends what is to be sent: live frames as they come, what goes again at most eight times faster.
    func transmit() {
        let muted = mutedByPlan || mutedByHand
        if muted != muteSaid {
            muteSaid = muted
            say(.mute(muted))
        }
        // The credit of one late tick may carry over, not more: a burst would be `too_fast`.
        let elapsed = Int(Self.nanoseconds(now - lastTransmit) / 20_000_000)
        lastTransmit += .milliseconds(20) * elapsed
        sendCredit = min(sendCredit + max(elapsed, 0) * Self.resendFactor, Self.resendFactor * 10)
        while sendCredit > 0, let (frame, again) = memory.next() {
            sendCredit -= 1
            let payload = voice.payload(frame.source)
            link?.send(
                AudioFrameHeader(format: settings.up, sequence: sequence, timestamp: frame.timestamp),
                payload: payload)
            lastSent = now
            report.framesSent += 1
            if again { report.framesSentAgain += 1 }
            report.bytesSent += ParticipantWire.headerBytes + payload.count
            if settings.keepsPackets {
                report.sent.append(
                    ParticipantReport.Uplink(
                        connection: report.connections - 1, sequence: sequence, timestamp: frame.timestamp,
                        source: frame.source))
            }
            sequence &+= 1
        }
    }

    func say(_ message: ParticipantMessage) {
        link?.send(message)
        lastSent = now
    }

    func say(_ played: PlaybackClock.Played) {
        report.played += 1
        say(.played(item: played.item, milliseconds: played.milliseconds))
    }

    // MARK: Down

    func down<T>(_ change: (inout DownlinkRecord) -> T) -> T { change(&report.down) }

    func hear(_ bytes: ByteBuffer) {
        var payload = bytes
        guard isConnected, let header = ParticipantWire.readHeader(&payload) else {
            report.note(error: "bad_frame_down")
            return
        }
        if header.format != settings.down { report.note(error: "wrong_format_down") }
        let length = header.format == .pcm ? payload.readableBytes / 2 * 1_000_000 / 24 : 20_000_000
        let position = playback.received(
            timestamp: header.timestamp, length: .nanoseconds(Int64(length)), at: now)
        let first = down { $0.received(header, bytes: bytes.readableBytes, position: position, at: now) }
        if first { itemSounded() }
        if settings.keepsPackets {
            report.received.append(
                ParticipantReport.Downlink(
                    connection: report.connections - 1, item: report.down.current, sequence: header.sequence,
                    timestamp: header.timestamp, at: now, payload: Array(payload.readableBytesView)))
        }
    }

    private func itemSounded() {
        if report.firstVoice == nil, let welcomedAt { report.firstVoice = now - welcomedAt }
        guard let ended = utteranceEnded else { return }
        utteranceEnded = nil
        if report.turnLatencies.count < ParticipantReport.mostEntries { report.turnLatencies.append(now - ended) }
    }

    // MARK: Text

    func read(_ bytes: ByteBuffer) {
        guard bytes.readableBytes <= ParticipantWire.largestTextBytes else {
            report.note(error: "text_too_big_down")
            return
        }
        switch ParticipantWire.read(bytes.readableBytesView) {
        case .unknown: report.unknownMessages += 1
        case .malformed: report.malformedMessages += 1
        case .message(let message): take(message)
        }
    }

    private func take(_ message: AgentMessage) {
        switch message {
        case .welcome(let welcome): welcomed(welcome)
        case .state(let state):
            if report.states.count < ParticipantReport.mostEntries { report.states.append(state) }
        case .item(let id, let start):
            playback.itemBegan(id, startTimestamp: start)
            down { $0.itemBegan(id, at: now) }
        case .flush(let item):
            down { $0.flushed(item, at: now) }
            if let played = playback.flushed(item, at: now) { say(played) }
        case .transcript(let role, let item, let text, let final):
            report.note(ParticipantReport.Transcript(role: role, item: item, text: text, final: final))
        case .ack(let timestamp):
            report.acknowledgements += 1
            memory.acknowledged(before: timestamp)
        case .bye(let reason, let rejoinIn):
            report.byes.append(reason)
            report.lastRejoinIn = rejoinIn.map { .milliseconds($0) }
            byeRejoin = (reason, report.lastRejoinIn)
        case .error(let code, _): report.note(error: code)
        // Moving to another process is left alone: an offer that nobody takes lets the conversation go on here.
        case .beat, .prepared, .move, .cost: break
        }
    }
}
