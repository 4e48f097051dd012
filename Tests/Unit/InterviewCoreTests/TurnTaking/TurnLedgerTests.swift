import InterviewCore
import Testing

@Suite struct TurnLedgerTests {
    @Test("an agent's turn waits for the participant's turn that it answers")
    func order() {
        var ledger = TurnLedger(phase: "main")
        ledger.participantStarted(key: "u1", item: "i0", at: 100, captureStart: 4_800, client: "page")
        ledger.participantStopped(key: "u1", at: 900, captureEnd: 43_200)
        ledger.participantCommitted(key: "u1", at: .seconds(1))
        ledger.agentStarted(key: "a1", item: "i1", at: 950)
        ledger.agentAudible(key: "a1", at: 1_000)
        #expect(ledger.agentTranscribed(key: "a1", text: "Good.", final: true) == "i1")
        ledger.agentEnded(key: "a1", at: 2_000, heard: nil)
        #expect(ledger.due(at: .seconds(2)).isEmpty)
        #expect(ledger.participantTranscribed(key: "u1", text: "Well", final: false) == "i0")
        #expect(ledger.due(at: .seconds(3)).isEmpty)
        #expect(ledger.participantTranscribed(key: "u1", text: "Well, yes", final: true) == "i0")
        let turns = ledger.due(at: .seconds(3))
        #expect(
            turns == [
                Turn(
                    speaker: .participant, item: "i0", text: "Well, yes", startMilliseconds: 100,
                    endMilliseconds: 900, captureStart: 4_800, captureEnd: 43_200, client: "page", phase: "main"),
                Turn(
                    speaker: .agent, item: "i1", text: "Good.", startMilliseconds: 1_000, endMilliseconds: 2_000,
                    phase: "main"),
            ])
        #expect(ledger.isEmpty)
    }

    @Test("an unanswered turn without text waits until its silent provider would have been replaced")
    func unansweredTextPatience() {
        var ledger = TurnLedger()
        ledger.participantStarted(key: "u1", item: "i0", at: 0, captureStart: nil, client: nil)
        ledger.participantCommitted(key: "u1", at: .seconds(10))
        #expect(ledger.due(at: .milliseconds(24_999)).isEmpty)
        // Replaced in time: the next connection hears it again, and it stands once.
        var replaced = ledger
        replaced.providerLost(heardAgain: ["u1"])
        #expect(replaced.due(at: .seconds(25)).isEmpty)
        #expect(ledger.due(at: .seconds(25)).map(\.text) == [nil])
        #expect(TurnLedger.unansweredTextPatience > AnswerWatch.patience)
    }

    @Test("a text that does not come in five seconds is left to the workers")
    func textPatience() {
        var ledger = TurnLedger()
        ledger.participantStarted(key: "u1", item: "i0", at: 0, captureStart: nil, client: nil)
        ledger.participantCommitted(key: "u1", at: .seconds(10))
        ledger.agentStarted(key: "a1", item: "i1", at: 0)
        ledger.agentAudible(key: "a1", at: 0)
        #expect(ledger.due(at: .milliseconds(14_999)).isEmpty)
        let turns = ledger.due(at: .seconds(15))
        #expect(turns.map(\.text) == [nil])
        #expect(turns.count == 1)
        #expect(ledger.participantTranscribed(key: "u1", text: "late", final: true) == nil)
    }

    @Test("a failed transcription does not hold the answer up")
    func failedTranscript() {
        var ledger = TurnLedger()
        ledger.participantStarted(key: "u1", item: "i0", at: 0, captureStart: nil, client: nil)
        ledger.participantCommitted(key: "u1", at: .zero)
        ledger.participantTranscriptFailed(key: "u1")
        #expect(ledger.due(at: .zero).count == 1)
    }

    @Test("speech that was never committed is no turn yet")
    func uncommitted() {
        var ledger = TurnLedger()
        ledger.participantStarted(key: "u1", item: "i0", at: 0, captureStart: 7, client: nil)
        #expect(ledger.participantTranscribed(key: "u1", text: "hm", final: true) == "i0")
        #expect(ledger.due(at: .seconds(60)).isEmpty)
        #expect(ledger.earliestOpenCapture == 7)
        #expect(ledger.close().isEmpty)
    }

    @Test("an interrupted answer is as long as it was heard, and does not wait for its text")
    func interrupted() {
        var ledger = TurnLedger()
        ledger.agentStarted(key: "a1", item: "i0", at: 0)
        #expect(ledger.agentTranscribed(key: "a1", text: "One two three", final: false) == "i0")
        ledger.agentEnded(key: "a1", at: 600, heard: 400)
        let turns = ledger.due(at: .zero)
        #expect(turns.map(\.heardMilliseconds) == [400])
        #expect(turns.map(\.text) == ["One two three"])
    }

    @Test("an answer of which nothing was heard never happened")
    func unheard() {
        var ledger = TurnLedger()
        ledger.agentStarted(key: "a1", item: "i0", at: 0)
        ledger.agentEnded(key: "a1", at: 10, heard: 0)
        ledger.agentStarted(key: "a2", item: "i1", at: 0)
        ledger.agentDropped(key: "a2")
        #expect(ledger.isEmpty)
    }

    @Test("when the provider is lost, what was heard stays and what was not committed goes")
    func providerLost() {
        var ledger = TurnLedger()
        ledger.agentStarted(key: "a1", item: "i0", at: 0)
        _ = ledger.agentTranscribed(key: "a1", text: "Tell me", final: false)
        ledger.agentEnded(key: "a1", at: 500, heard: nil)
        ledger.participantStarted(key: "u1", item: "i1", at: 0, captureStart: nil, client: nil)
        ledger.providerLost()
        #expect(ledger.due(at: .zero).map(\.item) == ["i0"])
        #expect(ledger.isEmpty)
    }

    @Test("a turn that is heard again by the next provider is not also one without words; one with words stays")
    func heardAgain() {
        var ledger = TurnLedger()
        for key in ["u1", "u2"] {
            ledger.participantStarted(key: key, item: "i-\(key)", at: 0, captureStart: nil, client: nil)
            ledger.participantCommitted(key: key, at: .zero)
        }
        _ = ledger.participantTranscribed(key: "u1", text: "Yes", final: true)
        ledger.providerLost(heardAgain: ["u1", "u2"])
        #expect(ledger.pending.map(\.item) == ["i-u1"])
    }

    @Test("never more than the named number of turns is open")
    func bounded() {
        var ledger = TurnLedger()
        for number in 0..<(TurnLedger.mostOpen + 10) {
            ledger.agentStarted(key: "a\(number)", item: "i\(number)", at: 0)
        }
        #expect(ledger.due(at: .zero).count == 10)
    }

    @Test("the context of a new provider tells what was heard, oldest first")
    func context() {
        let turns = [
            Turn(speaker: .agent, item: "i0", text: "How was it?", startMilliseconds: 0, endMilliseconds: 900),
            Turn(speaker: .participant, item: "i1", text: nil, startMilliseconds: 1_000, endMilliseconds: 1_100),
            Turn(speaker: .participant, item: "i2", text: "Fine", startMilliseconds: 1_200, endMilliseconds: 1_500),
            Turn(
                speaker: .agent, item: "i3", text: String(repeating: "word ", count: 60), startMilliseconds: 2_000,
                endMilliseconds: 4_000, heardMilliseconds: 2_000),
        ]
        let lines = ConversationContext.lines(of: turns)
        #expect(lines.map(\.speaker) == [.agent, .participant, .agent])
        #expect(lines[0].text == "How was it?")
        #expect(lines[2].text.count == 29)
        #expect(!ConversationContext.answerIsOwed(after: turns))
        #expect(ConversationContext.answerIsOwed(after: turns.prefix(3)))
    }
}
