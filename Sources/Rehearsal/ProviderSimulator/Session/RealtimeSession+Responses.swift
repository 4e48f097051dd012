import NIOCore

/// Responses: how one begins, is cancelled, and what it is billed. `RealtimeSession+Speaking` holds what happens
/// between.
extension RealtimeSession {
    func createResponse(_ overrides: JSON?) throws(ClientError) {
        var settings = ResponseSettings(configuration)
        if let overrides { try settings.override(overrides) }
        if settings.isInConversation, let active {
            throw ClientError(
                "conversation_already_has_active_response",
                "Conversation already has an active response in progress: \(active.id). Wait until the response is "
                    + "finished before creating a new one.")
        }
        guard settings.isInConversation || besides.count < SimulatorOptions.maximumConcurrentResponses else {
            throw .invalid("response.conversation", "Too many responses are in progress.")
        }
        let replaced = try settings.input.map { (input) throws(ClientError) in try context(of: input) }
        begin(settings, context: replaced)
    }

    /// `response.input`: items of its own or references to items of the conversation.
    private func context(of input: [JSON]) throws(ClientError) -> [ConversationItem] {
        var items: [ConversationItem] = []
        for (index, json) in input.enumerated() {
            let path = "response.input[\(index)]"
            guard json["type"]?.string == "item_reference" else {
                items.append(try makeItem(json, at: path))
                continue
            }
            guard let item = conversation.item(json["id"]?.string ?? "") else {
                throw .invalid("\(path).id", "Item '\(json["id"]?.string ?? "")' not found in conversation.")
            }
            items.append(item)
        }
        return items
    }

    private func begin(_ settings: ResponseSettings, context replaced: [ConversationItem]?) {
        let preamble = settings.preamble
        if let (limit, goal) = configuration.contextLimit { conversation.fit(limit: limit, goal: goal) }
        let prompt = usage.prompt(
            preamble: preamble, items: replaced ?? Array(conversation.context),
            remembers: settings.isInConversation && replaced == nil)
        let answer = options.script.answer(at: conversation.moment)
        let run = ResponseRun(
            id: identifiers.next("resp_"), settings: settings, prompt: prompt,
            parts: Self.parts(of: answer, settings), ending: answer.ending)
        if settings.isInConversation { active = run } else { besides[run.id] = run }
        idleTimer?.cancel()
        idleTimer = nil
        record(
            .responseCreated,
            ["response": .string(run.id), "in_conversation": .bool(settings.isInConversation)])
        send(
            "response.created",
            ["response": run.json(status: "in_progress", conversation: conversationID)])
        let slow = context.faults.latency(for: number)
        if settings.isInConversation, suffer(context.faults.answer(after: 0, on: number)) { return }
        prepare(run, latency: slow ?? answer.firstAudioLatency ?? options.firstAudioLatency)
    }

    private static func parts(of answer: Script.Answer, _ settings: ResponseSettings) -> [ResponseRun.Part] {
        if let name = settings.demandedCall {
            let scripted = answer.call.flatMap { $0.name == name ? $0 : nil }
            return [.call(scripted ?? Script.ToolCall(name: name))]
        }
        var parts: [ResponseRun.Part] = []
        if !answer.text.isEmpty {
            parts.append(settings.speaksAloud ? .speech(text: answer.text) : .writing(text: answer.text))
        }
        if let call = answer.call, settings.defines(call.name), !settings.forbidsCalls { parts.append(.call(call)) }
        return parts
    }

    func cancelResponse(_ id: String?) throws(ClientError) {
        let run = id.map { id in active?.id == id ? active : besides[id] } ?? active
        guard let run else {
            throw ClientError("response_cancel_not_active", "Cancellation failed: no active response found")
        }
        record(.cancel, ["response": .string(run.id)])
        finish(run, .cancelled(reason: "client_cancelled"))
    }

    /// Ends a response: closes what is open, reports and bills it.
    func finish(_ run: ResponseRun, _ outcome: ResponseRun.Outcome) {
        guard !run.isOver else { return }
        run.isOver = true
        run.timer?.cancel()
        let playback = run.speech.map { Self.unplayed($0) } ?? run.unplayed
        if run.speech != nil { endSpeech(run, complete: false) }
        if run.settings.isInConversation { active = nil } else { besides[run.id] = nil }
        var usage = JSON.null
        if case .failed = outcome {} else { usage = UsageMeter.json(run.prompt, output: run.output) }
        record(
            .responseDone,
            [
                "response": .string(run.id), "status": .string(outcome.status), "status_details": outcome.details,
                "outputs": .array(run.outputs.map { .string($0.id) }), "usage": usage,
            ])
        send(
            "response.done",
            [
                "response": run.json(
                    status: outcome.status, details: outcome.details, usage: usage, conversation: conversationID)
            ])
        sendRateLimits()
        if run.settings.isInConversation { restartIdleTimer(after: playback) }
    }

    /// What a client that plays from the first delta on has still to play.
    static func unplayed(_ speech: ResponseRun.Speech) -> Duration {
        let elapsed = NIODeadline.now() - speech.began
        return max(.zero, .milliseconds(speech.sentMilliseconds) - .nanoseconds(elapsed.nanoseconds))
    }

    /// Generous and slowly used up, so that a client has something to show.
    private func sendRateLimits() {
        let used = conversation.items.count
        send(
            "rate_limits.updated",
            [
                "rate_limits": [
                    [
                        "name": "requests", "limit": 10_000, "remaining": .integer(max(0, 10_000 - used)),
                        "reset_seconds": 8.64,
                    ],
                    [
                        "name": "tokens", "limit": 800_000, "remaining": .integer(max(0, 800_000 - used * 100)),
                        "reset_seconds": 0.06,
                    ],
                ]
            ])
    }
}
