import NIOCore
import ProviderSimulator
import Testing

@Suite struct ConversationTests {
    private func spoken(
        _ id: String, milliseconds: Int = 2_000, status: ConversationItem.Status = .completed
    ) -> ConversationItem {
        let audio = ByteBuffer(repeating: 1, count: milliseconds * 48)
        return ConversationItem(
            id: id,
            body: .message(
                .assistant, [.outputAudio(milliseconds: milliseconds, transcript: "some words", audio: audio)]),
            status: status)
    }
    private func written(_ id: String, _ text: String = "12345678") -> ConversationItem {
        ConversationItem(id: id, body: .message(.user, [.inputText(text)]))
    }

    @Test("truncation cuts the sound and deletes the whole transcript")
    func truncation() throws {
        var conversation = Conversation()
        _ = conversation.insert(spoken("a"))
        try conversation.truncate("a", contentIndex: 0, audioEndMilliseconds: 500)
        let item = try #require(conversation.item("a"))
        guard case .message(.assistant, let content) = item.body,
            case .outputAudio(let milliseconds, let transcript, let audio)? = content.first
        else { return #expect(Bool(false)) }
        #expect(milliseconds == 500)
        #expect(transcript == nil)
        #expect(audio?.readableBytes == 24_000)
        #expect(item.tokens == TokenCount(audio: 10))
        #expect(item.revision == 1)
    }

    @Test(
        "truncation refuses what the vendor refuses",
        arguments: [
            ("nobody", 0, 500, "item_truncate_invalid_item_id"), ("user", 0, 500, "invalid_value"),
            ("a", 0, 0, "unsupported_content_type"), ("a", 1, 500, "unsupported_content_type"),
            ("text", 0, 500, "unsupported_content_type"), ("empty", 0, 500, "unsupported_content_type"),
            ("a", 0, 2_001, "invalid_value"), ("running", 0, 500, "invalid_value"),
        ])
    func refusals(id: String, index: Int, milliseconds: Int, code: String) {
        var conversation = Conversation()
        _ = conversation.insert(spoken("a"))
        _ = conversation.insert(written("user"))
        _ = conversation.insert(spoken("empty", milliseconds: 0))
        _ = conversation.insert(spoken("running", status: .inProgress))
        _ = conversation.insert(ConversationItem(id: "text", body: .message(.assistant, [.outputText("words")])))
        #expect(throws: ClientError.self) {
            do throws(ClientError) {
                try conversation.truncate(id, contentIndex: index, audioEndMilliseconds: milliseconds)
            } catch {
                #expect(error.code == code)
                throw error
            }
        }
    }

    @Test("items go where the client says")
    func places() {
        var conversation = Conversation()
        #expect(conversation.insert(written("b")) == .some(nil))
        #expect(conversation.insert(written("c")) == .some("b"))
        #expect(conversation.insert(written("a"), at: .front) == .some(nil))
        #expect(conversation.insert(written("b2"), at: .after("b")) == .some("b"))
        #expect(conversation.insert(written("x"), at: .after("nobody")) == nil)
        #expect(conversation.items.map(\.id) == ["a", "b", "b2", "c"])
        let (first, second) = (conversation.remove("b2"), conversation.remove("b2"))
        #expect(first && !second)
    }

    @Test("an overflowing context loses its oldest items, down to the goal")
    func overflow() {
        var conversation = Conversation()
        for index in 0..<10 { _ = conversation.insert(written("\(index)")) }
        conversation.fit(limit: 20, goal: 20)
        #expect(conversation.contextStart == 0)
        conversation.fit(limit: 19, goal: 16)
        #expect(conversation.context.map(\.id) == ["2", "3", "4", "5", "6", "7", "8", "9"])
        #expect(conversation.items.count == 10)
    }

    @Test("old sound is forgotten, durations are not")
    func oldSound() {
        var conversation = Conversation(retainedAudioBytes: 100_000)
        for index in 0..<3 { _ = conversation.insert(spoken("\(index)", milliseconds: 1_000)) }
        let kept = conversation.items.map { item -> Bool in
            guard case .message(_, let content) = item.body else { return false }
            return content.contains { $0.audioBytes > 0 }
        }
        #expect(kept == [false, true, true])
        #expect(conversation.items.allSatisfy { $0.tokens.audio == 20 })
    }

    @Test("the script goes on where a rebuilt conversation stopped")
    func script() {
        let script = Script.interview
        let opening = Script.Moment(agentMessages: 0, openedByAgent: false, userMessages: 0)
        #expect(script.answer(at: opening) == script.greeting)
        let afterThree = Script.Moment(agentMessages: 3, openedByAgent: true, userMessages: 3)
        #expect(script.answer(at: afterThree) == script.answers[2])
        let participantFirst = Script.Moment(agentMessages: 0, openedByAgent: false, userMessages: 1)
        #expect(script.answer(at: participantFirst) == script.answers[0])
        let late = Script.Moment(agentMessages: 40, openedByAgent: true, userMessages: 40)
        #expect(script.answer(at: late).call?.name == "end_interview")
        #expect(Script.endless.answer(at: late) == Script.endless.answers[39 % 6])
        let told = Script.Moment(agentMessages: 8, openedByAgent: true, userMessages: 7, toolJustAnswered: true)
        #expect(script.answer(at: told) == script.afterTool)
    }

    @Test("counted by turns, a turn that is answered again gets the same answer")
    func answersByTurn() {
        var script = Script.interview
        script.answersBy = .turn
        let first = Script.Moment(agentMessages: 1, openedByAgent: true, userMessages: 1)
        let again = Script.Moment(agentMessages: 2, openedByAgent: true, userMessages: 1)
        #expect(script.answer(at: first) == script.answers[0])
        #expect(script.answer(at: again) == script.answers[0])
        // An answer that nobody heard is gone; the next turn has its own all the same.
        let unheard = Script.Moment(agentMessages: 1, openedByAgent: true, userMessages: 2)
        #expect(script.answer(at: unheard) == script.answers[1])
    }
}
