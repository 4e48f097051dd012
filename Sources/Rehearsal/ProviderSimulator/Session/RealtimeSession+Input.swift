import NIOCore

/// Listening: the input audio buffer, turns found by the detector or made by the client, and their transcripts.
extension RealtimeSession {
    /// What is committed may not be shorter.
    private static let minimumCommitMilliseconds = 100
    /// Kept while nobody speaks, beyond the prefix: the detector needs some frames to make up its mind.
    private static let onsetMilliseconds = 500

    func append(_ audio: JSON) throws(ClientError) {
        guard let text = audio.string else { throw .wrongType("audio", expected: "a string", got: audio) }
        try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(ClientError) in
            try append(base64: UnsafeRawBufferPointer(bytes))
        }
    }

    func append(base64: UnsafeRawBufferPointer) throws(ClientError) {
        guard base64.count / 4 * 3 <= SimulatorOptions.maximumAppendBytes else {
            throw .invalid("audio", "Invalid 'audio': an append may carry at most 15 MiB of audio.")
        }
        guard let bytes = Base64.decode(base64) else {
            throw .invalid("audio", "Invalid 'audio'. Expected base64-encoded audio bytes.")
        }
        appends += 1
        heard?.append(bytes)
        if idleTimer == nil, appends == 1 { restartIdleTimer(after: .zero) }
        let samples = input.append(bytes, keeping: keptBytes)
        let changes = samples.withUnsafeBufferPointer { detector?.process($0) } ?? []
        for change in changes {
            switch change {
            case .started(let position): speechStarted(at: position)
            case .stopped(let position): speechStopped(at: position)
            }
        }
    }

    private var keptBytes: Int {
        guard let turns = configuration.turnDetection, speaking == nil else { return options.retainedAudioBytes }
        return (turns.prefixPaddingMilliseconds + Self.onsetMilliseconds) * input.format.bytesPerMillisecond
    }

    private func speechStarted(at position: Int) {
        guard let turns = configuration.turnDetection else { return }
        let from = max(position - input.samples(in: turns.prefixPaddingMilliseconds), input.start)
        let item = identifiers.next("item_")
        speaking = (item, from)
        idleTimer?.cancel()
        idleTimer = nil
        let milliseconds = input.milliseconds(at: from)
        record(.speechStarted, ["item": .string(item), "audio_start_ms": .integer(milliseconds)])
        send(
            "input_audio_buffer.speech_started",
            ["audio_start_ms": .integer(milliseconds), "item_id": .string(item)])
        if turns.interruptsResponse, let active { finish(active, .cancelled(reason: "turn_detected")) }
        sufferDuringSpeech()
    }

    private func speechStopped(at position: Int) {
        guard let turn = speaking else { return }
        speaking = nil
        let milliseconds = input.milliseconds(at: position)
        record(.speechStopped, ["item": .string(turn.item), "audio_end_ms": .integer(milliseconds)])
        send(
            "input_audio_buffer.speech_stopped",
            ["audio_end_ms": .integer(milliseconds), "item_id": .string(turn.item)])
        commit(turn.item, from: turn.from, to: position, trigger: "vad")
        guard !suffer(context.faults.fault(at: .turn, on: number)) else { return }
        if configuration.turnDetection?.createsResponse == true { respondByItself() }
    }

    /// A response that nobody asked for by an event; when one is running, it fails as the vendor's does.
    private func respondByItself() {
        do throws(ClientError) {
            try createResponse(nil)
        } catch {
            complain(error, nil)
        }
    }

    func commitByClient() throws(ClientError) {
        let from = speaking?.from ?? input.start
        let milliseconds = input.milliseconds(at: input.position - from)
        guard milliseconds >= Self.minimumCommitMilliseconds else {
            throw ClientError(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer "
                    + "only has \(milliseconds).00ms of audio.")
        }
        let item = speaking?.item ?? identifiers.next("item_")
        resetTurn()
        commit(item, from: from, to: input.position, trigger: "client")
    }

    func clearInput() {
        resetTurn()
        input.clear()
        record(.cleared)
        send("input_audio_buffer.cleared")
    }

    private func resetTurn() {
        speaking = nil
        detector = configuration.turnDetection.map {
            EnergyDetector(rate: input.format.rate, settings: $0, position: input.position)
        }
    }

    private func commit(_ item: String, from: Int, to: Int, trigger: String) {
        let turn = input.commit(from: from, to: to)
        let milliseconds = input.milliseconds(at: turn.to - turn.from)
        let number = conversation.moment.userMessages + 1
        heard?.flush()
        let entry = ConversationItem(
            id: item,
            body: .message(.user, [.inputAudio(milliseconds: milliseconds, transcript: nil, audio: turn.audio)]))
        let previous = (conversation.insert(entry) ?? nil)
        record(
            .committed,
            [
                "item": .string(item), "turn": .integer(number), "trigger": .string(trigger),
                "audio_start_ms": .integer(input.milliseconds(at: turn.from)),
                "audio_end_ms": .integer(input.milliseconds(at: turn.to)),
            ])
        send("input_audio_buffer.committed", ["previous_item_id": .optional(previous), "item_id": .string(item)])
        announce(entry, after: previous)
        transcribe(item, turn: number, milliseconds: milliseconds)
    }

    // MARK: transcripts

    /// Independent of the response: the transcript may come before, during or after it.
    private func transcribe(_ item: String, turn: Int, milliseconds: Int) {
        guard let model = configuration.transcriptionModel else { return }
        let text = options.script.transcript(ofTurn: turn, milliseconds: milliseconds)
        _ = after(options.transcriptionLatency) { session in
            guard session.conversation.item(item) != nil else { return }
            session.sendTranscript(text, of: item, model: model, milliseconds: milliseconds)
        }
    }

    private func sendTranscript(_ text: String, of item: String, model: String, milliseconds: Int) {
        let event = "conversation.item.input_audio_transcription"
        // whisper-1 hears a turn as a whole: its only delta is the transcript.
        let deltas = model == "whisper-1" ? [text] : Phrase.words(of: text, within: milliseconds).map(\.text)
        for delta in deltas {
            send("\(event).delta", ["item_id": .string(item), "content_index": 0, "delta": .string(delta)])
        }
        conversation.update(item) { entry in
            guard case .message(let role, let content) = entry.body,
                case .inputAudio(let length, _, let audio)? = content.first
            else { return }
            entry.body = .message(role, [.inputAudio(milliseconds: length, transcript: text, audio: audio)])
        }
        let usage = UsageMeter.transcriptionJSON(model: model, milliseconds: milliseconds, transcript: text)
        record(.userTranscript, ["item": .string(item), "text": .string(text), "usage": usage])
        send(
            "\(event).completed",
            ["item_id": .string(item), "content_index": 0, "transcript": .string(text), "usage": usage])
    }

    // MARK: silence that lasts

    /// `idle_timeout_ms` counts from the end of the last answer's playback, which the server takes to begin when it is
    /// sent: `delay` is what is left of it.
    func restartIdleTimer(after delay: Duration) {
        idleTimer?.cancel()
        idleTimer = nil
        guard let timeout = configuration.turnDetection?.idleTimeoutMilliseconds, appends > 0, active == nil,
            speaking == nil
        else { return }
        let from = input.position + input.samples(in: Int(delay / .milliseconds(1)))
        idleTimer = after(delay + .milliseconds(timeout)) { $0.idled(since: from) }
    }

    private func idled(since from: Int) {
        idleTimer = nil
        guard speaking == nil, active == nil else { return }
        let item = identifiers.next("item_")
        let start = min(from, input.position)
        let fields: JSONObject = [
            "audio_start_ms": .integer(input.milliseconds(at: start)),
            "audio_end_ms": .integer(input.milliseconds(at: input.position)), "item_id": .string(item),
        ]
        record(.idleTimeout, fields)
        send("input_audio_buffer.timeout_triggered", fields)
        commit(item, from: start, to: input.position, trigger: "idle")
        respondByItself()
    }
}
