import NIOCore

/// A response between `response.created` and `response.done`: messages spoken or written, calls made.
extension RealtimeSession {
    /// Deltas sent in one go without looking at the socket and the clock again.
    private static let deltasPerStep = 64

    /// Waits for the phrase and the latency, whichever is longer.
    func prepare(_ run: ResponseRun, latency: Duration) {
        let due = NIODeadline.now() + TimeAmount(latency)
        guard case .speech(let text)? = run.parts.first else {
            run.timer = after(latency) { $0.next(run) }
            return
        }
        let key = PhraseBook.Key(
            text: text, format: run.settings.format, speedPercent: Int(run.settings.speed * 100),
            voice: options.script.voice)
        context.phrases.phrase(key, on: loop).assumeIsolated().whenComplete { [weak self] result in
            guard let self, !run.isOver, !self.isClosed else { return }
            guard case .success(let phrase) = result else {
                return self.finish(run, .failed(type: "server_error", code: "server_error", message: "no voice"))
            }
            let left = due - NIODeadline.now()
            run.timer = self.after(.nanoseconds(max(0, left.nanoseconds))) { session in
                session.next(run, phrase)
            }
        }
    }

    /// Begins the next part, or ends the response.
    private func next(_ run: ResponseRun, _ phrase: Phrase? = nil) {
        guard !run.isOver else { return }
        if case .failed(let type, let code) = run.ending {
            return finish(run, .failed(type: type, code: code, message: "Scripted failure."))
        }
        guard run.cut == nil, !run.parts.isEmpty else { return finish(run, run.cut ?? .completed) }
        switch run.parts.removeFirst() {
        case .speech(let text):
            let silence = Phrase(text: text, samples: [], format: run.settings.format, deltaBytes: options.deltaBytes)
            beginSpeech(run, phrase ?? silence)
        case .writing(let text): write(run, text)
        case .call(let call): self.call(run, call)
        }
    }

    // MARK: speech

    private func beginSpeech(_ run: ResponseRun, _ phrase: Phrase) {
        let item = identifiers.next("item_")
        var last = phrase.deltas.count
        if let limit = run.settings.maximumTokens, tokens(of: phrase).total > limit {
            last = last * limit / max(tokens(of: phrase).total, 1)
            run.cut = .incomplete(reason: "max_output_tokens")
        } else if run.ending == .contentFilter {
            last /= 2
            run.cut = .incomplete(reason: "content_filter")
        }
        run.speech = ResponseRun.Speech(
            item: item, outputIndex: run.outputs.count, phrase: phrase, lastDelta: last, began: .now(),
            file: SoundFile(folder: options.audioFolder, name: "said-\(number)-\(item).pcm"))
        audioWasOutput = true
        beginMessage(run, item, part: ["type": "audio", "transcript": ""])
        record(.firstAudio, ["response": .string(run.id), "item": .string(item)])
        step(run)
    }

    private func tokens(of phrase: Phrase) -> TokenCount {
        TokenCount(
            text: TokenCount.text(phrase.text), audio: TokenCount.assistantAudio(milliseconds: phrase.milliseconds))
    }

    /// Sends the deltas that are due and sets the time of the next.
    func step(_ run: ResponseRun) {
        guard !run.isOver, var speech = run.speech else { return }
        let elapsed = (NIODeadline.now() - speech.began).nanoseconds / 1_000_000
        var budget = Self.deltasPerStep
        while speech.nextDelta < speech.lastDelta {
            guard sink?.isWritable == true else {
                run.isPaused = true
                run.speech = speech
                return
            }
            let due = options.streamingSpeed > 0 ? Double(speech.sentMilliseconds) / options.streamingSpeed : 0
            guard due <= Double(elapsed), budget > 0 else { break }
            budget -= 1
            sendDelta(run, &speech)
            run.speech = speech
            guard run.settings.isInConversation, let fault = context.faults.answer(after: speech.nextDelta, on: number)
            else { continue }
            if suffer(fault) { return }
        }
        run.speech = speech
        guard speech.nextDelta < speech.lastDelta else {
            endSpeech(run, complete: run.cut == nil)
            return next(run)
        }
        let due = options.streamingSpeed > 0 ? Double(speech.sentMilliseconds) / options.streamingSpeed : 0
        run.timer = after(.milliseconds(max(0, Int64(due.rounded(.up)) - elapsed))) { $0.step(run) }
    }

    private func sendDelta(_ run: ResponseRun, _ speech: inout ResponseRun.Speech) {
        let delta = speech.phrase.deltas[speech.nextDelta]
        let end = speech.sentMilliseconds + delta.bytes / speech.phrase.format.bytesPerMillisecond
        // The words run ahead of the sound.
        while speech.nextWord < speech.phrase.words.count,
            speech.phrase.words[speech.nextWord].startMilliseconds < end
        {
            send(
                "response.output_audio_transcript.delta",
                place(run, speech, ["delta": .string(speech.phrase.words[speech.nextWord].text)]))
            speech.nextWord += 1
        }
        send(audioDelta(run, speech, delta))
        speech.file?.append(Array(buffer: soundSlice(speech, delta)))
        speech.nextDelta += 1
        speech.sentBytes += delta.bytes
    }

    private func soundSlice(_ speech: ResponseRun.Speech, _ delta: Phrase.Delta) -> ByteBuffer {
        let sound = speech.phrase.sound
        return sound.getSlice(at: sound.readerIndex + speech.sentBytes, length: delta.bytes) ?? ByteBuffer()
    }

    /// Put together without a JSON tree: the text of the sound is ready.
    private func audioDelta(_ run: ResponseRun, _ speech: ResponseRun.Speech, _ delta: Phrase.Delta) -> ByteBuffer {
        var message = ByteBuffer()
        message.reserveCapacity(delta.text.readableBytes + 256)
        message.writeString(
            #"{"type":"response.output_audio.delta","event_id":""# + identifiers.next("event_")
                + #"","response_id":""# + run.id + #"","item_id":""# + speech.item + #"","output_index":"#
                + String(speech.outputIndex) + #","content_index":0,"delta":""#)
        message.writeImmutableBuffer(delta.text)
        message.writeString(#""}"#)
        return message
    }

    private func place(_ run: ResponseRun, _ speech: ResponseRun.Speech, _ more: JSONObject = [:]) -> JSONObject {
        Self.place(run, item: speech.item, outputIndex: speech.outputIndex, more)
    }

    private static func place(
        _ run: ResponseRun, item: String, outputIndex: Int, content: Bool = true, _ more: JSONObject = [:]
    ) -> JSONObject {
        var fields: JSONObject = [
            "response_id": .string(run.id), "item_id": .string(item), "output_index": .integer(outputIndex),
        ]
        if content { fields["content_index"] = 0 }
        fields.members += more.members
        return fields
    }

    /// Closes the message that is being spoken, whole or not.
    func endSpeech(_ run: ResponseRun, complete: Bool) {
        guard var speech = run.speech else { return }
        run.speech = nil
        if complete { sendRemainingWords(run, &speech) }
        run.unplayed = Self.unplayed(speech)
        let transcript = speech.transcript
        let milliseconds = speech.sentMilliseconds
        send("response.output_audio.done", place(run, speech))
        send(
            "response.output_audio_transcript.done", place(run, speech, ["transcript": .string(transcript)]))
        let sound = speech.phrase.sound.getSlice(at: speech.phrase.sound.readerIndex, length: speech.sentBytes)
        let content = ConversationItem.Content.outputAudio(
            milliseconds: milliseconds, transcript: transcript, audio: sound)
        run.output =
            run.output
            + TokenCount(
                text: TokenCount.text(transcript), audio: TokenCount.assistantAudio(milliseconds: milliseconds))
        endMessage(
            run, speech.item, content, part: ["type": "audio", "transcript": .string(transcript)], complete: complete)
        speech.file?.close()
        record(
            .said,
            [
                "item": .string(speech.item), "response": .string(run.id), "text": .string(transcript),
                "audio_ms": .integer(milliseconds), "bytes": .integer(speech.sentBytes), "complete": .bool(complete),
            ])
    }

    private func sendRemainingWords(_ run: ResponseRun, _ speech: inout ResponseRun.Speech) {
        while speech.nextWord < speech.phrase.words.count {
            let word = speech.phrase.words[speech.nextWord].text
            send("response.output_audio_transcript.delta", place(run, speech, ["delta": .string(word)]))
            speech.nextWord += 1
        }
    }

    // MARK: text

    private func write(_ run: ResponseRun, _ text: String) {
        let item = identifiers.next("item_")
        let index = run.outputs.count
        var words = Phrase.words(of: text, within: 0).map(\.text)
        if let limit = run.settings.maximumTokens, TokenCount.text(text) > limit {
            words = Array(words.prefix(words.count * limit / max(TokenCount.text(text), 1)))
            run.cut = .incomplete(reason: "max_output_tokens")
        }
        beginMessage(run, item, part: ["type": "text", "text": ""])
        for word in words {
            let fields = Self.place(run, item: item, outputIndex: index, ["delta": .string(word)])
            send("response.output_text.delta", fields)
        }
        let written = words.joined()
        send(
            "response.output_text.done",
            Self.place(run, item: item, outputIndex: index, ["text": .string(written)]))
        run.output = run.output + TokenCount(text: TokenCount.text(written))
        let complete = run.cut == nil
        endMessage(
            run, item, .outputText(written), part: ["type": "text", "text": .string(written)], complete: complete)
        record(
            .said,
            [
                "item": .string(item), "response": .string(run.id), "text": .string(written), "audio_ms": 0,
                "bytes": 0, "complete": .bool(complete),
            ])
        next(run)
    }

    // MARK: messages

    private func beginMessage(_ run: ResponseRun, _ item: String, part: JSON) {
        let entry = ConversationItem(id: item, body: .message(.assistant, []), status: .inProgress)
        add(run, entry)
        send(
            "response.content_part.added",
            Self.place(run, item: item, outputIndex: run.outputs.count, ["part": part]))
    }

    private func add(_ run: ResponseRun, _ entry: ConversationItem) {
        send(
            "response.output_item.added",
            [
                "response_id": .string(run.id), "output_index": .integer(run.outputs.count), "item": entry.json(),
            ])
        guard run.settings.isInConversation else { return }
        let previous = conversation.insert(entry) ?? nil
        send("conversation.item.added", ["previous_item_id": .optional(previous), "item": entry.json()])
    }

    private func endMessage(
        _ run: ResponseRun, _ item: String, _ content: ConversationItem.Content, part: JSON, complete: Bool
    ) {
        let index = run.outputs.count
        send("response.content_part.done", Self.place(run, item: item, outputIndex: index, ["part": part]))
        finishItem(
            run,
            ConversationItem(
                id: item, body: .message(.assistant, [content]), status: complete ? .completed : .incomplete))
    }

    private func finishItem(_ run: ResponseRun, _ entry: ConversationItem) {
        send(
            "response.output_item.done",
            ["response_id": .string(run.id), "output_index": .integer(run.outputs.count), "item": entry.json()])
        run.outputs.append(entry)
        guard run.settings.isInConversation else { return }
        conversation.update(entry.id) { kept in
            kept.body = entry.body
            kept.status = entry.status
        }
        let index = conversation.index(of: entry.id) ?? 0
        let previous = index > 0 ? conversation.items[index - 1].id : nil
        send("conversation.item.done", ["previous_item_id": .optional(previous), "item": entry.json()])
    }

    // MARK: calls

    private func call(_ run: ResponseRun, _ call: Script.ToolCall) {
        let item = identifiers.next("item_")
        let callID = identifiers.next("call_")
        let index = run.outputs.count
        add(
            run,
            ConversationItem(
                id: item, body: .functionCall(name: call.name, arguments: "", callID: callID), status: .inProgress))
        let place = Self.place(
            run, item: item, outputIndex: index, content: false, ["call_id": .string(callID)])
        let half = call.arguments.index(call.arguments.startIndex, offsetBy: call.arguments.count / 2)
        for delta in [call.arguments[..<half], call.arguments[half...]] where !delta.isEmpty {
            var fields = place
            fields["delta"] = .string(String(delta))
            send("response.function_call_arguments.delta", fields)
        }
        var done = place
        done["name"] = .string(call.name)
        done["arguments"] = .string(call.arguments)
        send("response.function_call_arguments.done", done)
        run.output = run.output + TokenCount(text: TokenCount.text(call.name) + TokenCount.text(call.arguments))
        record(
            .toolCalled,
            [
                "item": .string(item), "response": .string(run.id), "call_id": .string(callID),
                "name": .string(call.name), "arguments": .string(call.arguments),
            ])
        finishItem(
            run,
            ConversationItem(id: item, body: .functionCall(name: call.name, arguments: call.arguments, callID: callID)))
        next(run)
    }
}
