import InterviewCore
import OpenAIRealtimeProvider
import Ports
import Testing
import WireFormats

@Suite("OpenAIConversation")
struct OpenAIConversationTests {
    private static let session = OpenAISession(instructions: "Be kind.", voice: "marin")
    private static let context = [
        OpenAIItem(id: "ctx_0", .user("Yes.")), OpenAIItem(id: "ctx_1", .assistant("And then?")),
    ]

    private static func talking() -> OpenAIConversation {
        var conversation = OpenAIConversation(session: session, context: [])
        _ = conversation.received(.sessionCreated(OpenAISessionState()))
        _ = conversation.received(.sessionUpdated(OpenAISessionState()))
        return conversation
    }

    private static func response(_ id: String, _ status: OpenAIResponse.Status?, usage: Usage? = nil) -> OpenAIResponse
    {
        OpenAIResponse(id: id, status: status, usage: usage)
    }

    private static func added(_ id: String) -> OpenAIServerEvent {
        .itemAdded(OpenAIServerItem(id: id, type: "message"))
    }

    @Test("configuration and context go out together; ready waits for all confirmations, in any order")
    func ready() {
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            var conversation = OpenAIConversation(session: Self.session, context: Self.context)
            #expect(conversation.state == .greeting)
            let first = conversation.received(.sessionCreated(OpenAISessionState()))
            #expect(
                first == [
                    .began, .send(.sessionUpdate(Self.session), id: "setup"),
                    .send(.itemCreate(Self.context[0]), id: "setup"), .send(.itemCreate(Self.context[1]), id: "setup"),
                ])
            let confirmations = [
                OpenAIServerEvent.sessionUpdated(OpenAISessionState()), Self.added("ctx_0"), Self.added("ctx_1"),
            ]
            let steps = order.map { conversation.received(confirmations[$0]) }
            #expect(steps == [[], [], [.report(.ready)]])
            #expect(conversation.state == .talking)
            // Each item is confirmed twice (added, done), and the session may be told again.
            let again = conversation.received(confirmations[order[2]])
            #expect(again.isEmpty)
        }
    }

    /// state before · event · steps
    @Test(
        "an error event ends only what it has to",
        arguments: [
            (
                true, OpenAIErrorBody(code: "response_cancel_not_active"),
                OpenAIConversation.Step.report(.complained(code: "response_cancel_not_active"))
            ),
            (
                true, OpenAIErrorBody(code: "unsupported_content_type"),
                .report(.complained(code: "unsupported_content_type"))
            ),
            (true, OpenAIErrorBody(type: "invalid_request_error"), .report(.complained(code: "invalid_request_error"))),
            (true, OpenAIErrorBody(code: "invalid_value", event: "setup"), .report(.complained(code: "invalid_value"))),
            (true, OpenAIErrorBody(), .report(.complained(code: "unknown"))),
            (true, OpenAIErrorBody(code: "a b\nc<script>"), .report(.complained(code: "a?b?c?script?"))),
            (true, OpenAIErrorBody(code: "rate_limit_exceeded"), .report(.complained(code: "rate_limit_exceeded"))),
            (
                true, OpenAIErrorBody(code: "session_expired"),
                .fail(ProviderFailure(kind: .expired, code: "session_expired"))
            ),
            (
                true, OpenAIErrorBody(type: "insufficient_quota"),
                .fail(ProviderFailure(kind: .quota, code: "insufficient_quota"))
            ),
            (
                true, OpenAIErrorBody(code: "credit_balance_exhausted"),
                .fail(ProviderFailure(kind: .quota, code: "credit_balance_exhausted"))
            ),
            (
                true, OpenAIErrorBody(code: "account_deactivated"),
                .fail(ProviderFailure(kind: .auth, code: "account_deactivated"))
            ),
            (
                false, OpenAIErrorBody(code: "invalid_value", event: "setup"),
                .fail(ProviderFailure(kind: .protocol, code: "invalid_value"))
            ),
            (
                false, OpenAIErrorBody(type: "server_error", event: "setup"),
                .fail(ProviderFailure(kind: .server, code: "server_error"))
            ),
            (false, OpenAIErrorBody(code: "rate_limit_exceeded"), .report(.complained(code: "rate_limit_exceeded"))),
        ])
    func errors(isTalking: Bool, error: OpenAIErrorBody, step: OpenAIConversation.Step) {
        var conversation = isTalking ? Self.talking() : OpenAIConversation(session: Self.session, context: [])
        if !isTalking { _ = conversation.received(.sessionCreated(OpenAISessionState())) }
        let steps = conversation.received(.error(error))
        #expect(steps == [step])
        #expect(conversation.complaint == error)
        _ = conversation.received(.unused(type: "x"))
        #expect(conversation.complaint == nil)
    }

    @Test(
        "the status of an answer becomes its outcome, and its usage is told whatever it was",
        arguments: [
            (OpenAIResponse.Status?.some(.completed), AnswerOutcome.completed), (.cancelled, .cancelled),
            (.incomplete, .incomplete(reason: "max_output_tokens")),
            (.failed, .failed(ProviderFailure(kind: .rateLimit, code: "rate_limit_exceeded"))),
            (.inProgress, .failed(ProviderFailure(kind: .protocol, code: "unknown_status"))),
            (nil, .failed(ProviderFailure(kind: .protocol, code: "unknown_status"))),
        ])
    func outcomes(status: OpenAIResponse.Status?, outcome: AnswerOutcome) {
        var conversation = Self.talking()
        _ = conversation.received(.responseCreated(Self.response("r1", .inProgress)))
        let usage = Usage(audioOut: 9)
        let steps = conversation.received(
            .responseDone(
                OpenAIResponse(
                    id: "r1", status: status, reason: "max_output_tokens",
                    error: OpenAIErrorBody(type: "tokens", code: "rate_limit_exceeded"), usage: usage)))
        #expect(steps == [.report(.answerFinished(response: "r1", outcome: outcome, usage: usage))])
        #expect(conversation.active == nil)
    }

    @Test("texts grow delta by delta, both sides, and end with the whole")
    func texts() {
        var conversation = Self.talking()
        let events: [OpenAIServerEvent] = [
            .transcriptionDelta(item: "u", delta: "Hel"), .transcriptionDelta(item: "u", delta: ""),
            .audioTranscriptDelta(response: "r", item: "a", delta: "An"), .transcriptionDelta(item: "u", delta: "lo"),
            .audioTranscriptDelta(response: "r", item: "a", delta: "d"),
            .audioTranscriptDone(response: "r", item: "a", transcript: "And?"),
            .transcriptionCompleted(item: "u", transcript: "Hello.", usage: Usage(milliseconds: 900)),
            .transcriptionFailed(item: "u2", OpenAIErrorBody(code: "audio_unintelligible")),
        ]
        let steps = events.flatMap { conversation.received($0) }
        #expect(
            steps == [
                .report(.participantTranscript(item: "u", text: "Hel", final: false)),
                .report(.agentTranscript(item: "a", text: "An", final: false)),
                .report(.participantTranscript(item: "u", text: "Hello", final: false)),
                .report(.agentTranscript(item: "a", text: "And", final: false)),
                .report(.agentTranscript(item: "a", text: "And?", final: true)),
                .report(.participantTranscript(item: "u", text: "Hello.", final: true)),
                .report(.transcriptionUsage(item: "u", Usage(milliseconds: 900))),
                .report(.participantTranscriptFailed(item: "u2", code: "audio_unintelligible")),
            ])
    }

    @Test("a text without end is cut, and items without end are forgotten, oldest first")
    func limits() {
        var conversation = Self.talking()
        let piece = String(repeating: "x", count: 1_000)
        for _ in 0..<200 { _ = conversation.received(.transcriptionDelta(item: "u", delta: piece)) }
        let steps = conversation.received(.transcriptionDelta(item: "u", delta: piece))
        #expect(steps.isEmpty)
        for number in 0..<10_000 { _ = conversation.truncated(item: "i\(number)", heard: .seconds(1)) }
        #expect(conversation.isSilenced(item: "i9999", response: ""))
        #expect(!conversation.isSilenced(item: "i0", response: ""))
    }

    @Test(
        "truncation is in whole milliseconds heard; nothing heard deletes",
        arguments: [
            (Duration.milliseconds(1_480), OpenAIClientEvent.itemTruncate(item: "i", audioEndMilliseconds: 1_480)),
            (.microseconds(1_999), .itemTruncate(item: "i", audioEndMilliseconds: 1)),
            (.microseconds(999), .itemDelete(item: "i")), (.zero, .itemDelete(item: "i")),
            (.seconds(-1), .itemDelete(item: "i")),
            (.seconds(1_000_000), .itemTruncate(item: "i", audioEndMilliseconds: 3_600_000)),
        ])
    func truncation(heard: Duration, event: OpenAIClientEvent) {
        var conversation = Self.talking()
        let steps = conversation.truncated(item: "i", heard: heard)
        #expect(steps == [.send(event, id: nil)])
        #expect(conversation.isSilenced(item: "i", response: "r"))
        #expect(!conversation.isSilenced(item: "j", response: "r"))
        let deltas = conversation.received(.audioTranscriptDelta(response: "r", item: "i", delta: "late"))
        #expect(deltas.isEmpty)
        let answers = [OpenAIServerEvent.itemTruncated(item: "i", audioEndMilliseconds: 1), .itemDeleted(item: "i")]
            .map { conversation.received($0) }
        #expect(answers == [[.report(.truncated(item: "i"))], [.report(.truncated(item: "i"))]])
    }

    @Test("an answer cancelled before it began is not heard; the next one is")
    func cancelledEarly() {
        var conversation = Self.talking()
        _ = conversation.answerRequested(instructions: nil)
        let steps = conversation.answerCancelled()
        #expect(steps == [.send(.responseCancel(), id: nil)])
        _ = conversation.received(.responseCreated(Self.response("r1", .inProgress)))
        #expect(conversation.isSilenced(item: "i", response: "r1"))
        _ = conversation.received(.responseDone(Self.response("r1", .cancelled)))
        _ = conversation.received(.responseCreated(Self.response("r2", .inProgress)))
        #expect(!conversation.isSilenced(item: "i", response: "r2"))
    }

    @Test("a request that was cancelled and then refused silences nobody else")
    func cancelledAndRefused() {
        var conversation = Self.talking()
        _ = conversation.answerRequested(instructions: nil)
        _ = conversation.answerCancelled()
        _ = conversation.received(
            .error(OpenAIErrorBody(code: "conversation_already_has_active_response", event: "answer")))
        _ = conversation.received(.responseCreated(Self.response("r2", .inProgress)))
        #expect(!conversation.isSilenced(item: "i", response: "r2"))
    }

    @Test("instructions for one answer are added to the session's, which they would replace on the wire")
    func instructions() {
        var conversation = Self.talking()
        let bare = conversation.answerRequested(instructions: nil)
        let more = conversation.answerRequested(instructions: "Greet them.")
        #expect(bare == [.send(.responseCreate(), id: "answer")])
        #expect(more == [.send(.responseCreate(instructions: "Be kind.\n\nGreet them."), id: "answer")])
    }

    // MARK: Tools

    private static func calling(_ calls: [String], status: OpenAIResponse.Status) -> (
        OpenAIConversation, [OpenAIConversation.Step]
    ) {
        var conversation = talking()
        _ = conversation.received(.responseCreated(response("r1", .inProgress)))
        for call in calls {
            _ = conversation.received(
                .outputItemAdded(
                    response: "r1", OpenAIServerItem(id: "i-" + call, type: "function_call", name: "end_interview")))
            let steps = conversation.received(
                .functionCallDone(response: "r1", item: "i-" + call, call: call, name: "", arguments: "{}"))
            #expect(steps.isEmpty)
        }
        let steps = conversation.received(.responseDone(response("r1", status)))
        return (conversation, steps)
    }

    @Test("calls are told with their answer's end, named by their item, and only when it is complete")
    func calls() {
        let called = OpenAIConversation.Step.report(
            .toolCalled(call: "c1", name: "end_interview", arguments: "{}", response: "r1"))
        for status in [OpenAIResponse.Status.completed, .cancelled, .incomplete, .failed] {
            let (_, steps) = Self.calling(["c1"], status: status)
            #expect(steps.count == (status == .completed ? 2 : 1))
            #expect(steps.contains(called) == (status == .completed))
        }
    }

    @Test("all calls are answered before one answer is asked for")
    func parallelCalls() {
        var (conversation, _) = Self.calling(["c1", "c2"], status: .completed)
        let first = conversation.toolAnswered(call: "c1", output: "1", thenSpeak: true)
        let second = conversation.toolAnswered(call: "c2", output: "2", thenSpeak: true)
        #expect(first == [.send(.itemCreate(OpenAIItem(.functionCallOutput(call: "c1", output: "1"))), id: nil)])
        #expect(
            second == [
                .send(.itemCreate(OpenAIItem(.functionCallOutput(call: "c2", output: "2"))), id: nil),
                .send(.responseCreate(), id: "answer"),
            ])
    }

    @Test("while another answer runs, the one owed for a tool waits; an interruption settles it")
    func owedSpeech() {
        for (status, isAskedFor) in [(OpenAIResponse.Status.completed, true), (.incomplete, true), (.cancelled, false)]
        {
            var (conversation, _) = Self.calling(["c1"], status: .completed)
            _ = conversation.received(.responseCreated(Self.response("r2", .inProgress)))
            let answered = conversation.toolAnswered(call: "c1", output: "1", thenSpeak: true)
            #expect(answered.count == 1)
            let steps = conversation.received(.responseDone(Self.response("r2", status)))
            #expect(steps.contains(.send(.responseCreate(), id: "answer")) == isAskedFor)
        }
    }
}
