import Foundation
import InterviewCore
import OpenAIRealtimeProvider
import Ports
import WireFormats

/// A provider's conversation and all that it has said, with the promises that its steps keep.
struct ConversationListener {
    private var conversation: OpenAIConversation
    private var twin: OpenAIConversation
    private var begun = 0
    private var ready = 0

    /// One answer's tool calls, an answer's end and what is owed then; at the beginning the context.
    private static let mostSteps = 40
    private static let longestCode = 64

    init() {
        let context = [
            OpenAIItem(id: "item_1", .user("Hello?")), OpenAIItem(id: "item_2", .assistant("Good morning.")),
            OpenAIItem(.system("The line is back.")),
        ]
        conversation = OpenAIConversation(
            session: OpenAISession(instructions: "Ask.", voice: "marin"), context: context)
        twin = conversation
    }

    /// False: the connection is over.
    mutating func hear(_ event: OpenAIServerEvent) throws(Broken) -> Bool {
        let steps = conversation.received(event)
        try expect(steps == twin.received(event), "the same events give the same steps")
        try expect(conversation.state == twin.state, "and the same state")
        return try follow(steps)
    }

    mutating func wish(_ kind: UInt8, _ text: String) throws(Broken) {
        let steps: [OpenAIConversation.Step]
        switch kind {
        case 1:
            steps = conversation.answerRequested(instructions: text)
            _ = twin.answerRequested(instructions: text)
        case 2:
            steps = conversation.answerCancelled()
            _ = twin.answerCancelled()
        case 3:
            let heard = Duration.milliseconds(text.utf8.count * 77 - 200)
            steps = conversation.truncated(item: text, heard: heard)
            _ = twin.truncated(item: text, heard: heard)
            try expect(conversation.isSilenced(item: text, response: ""), "a truncated item is silenced")
        default:
            steps = conversation.toolAnswered(call: text, output: "{}", thenSpeak: true)
            _ = twin.toolAnswered(call: text, output: "{}", thenSpeak: true)
        }
        _ = try follow(steps)
    }

    private mutating func follow(_ steps: [OpenAIConversation.Step]) throws(Broken) -> Bool {
        try expect(steps.count <= Self.mostSteps, "one event has few consequences")
        for step in steps {
            switch step {
            case .send(let event, let id): try check(event, id)
            case .report(let event): try check(event)
            case .began: begun += 1
            case .fail(let failure):
                try checkCode(failure.code)
                return false
            }
        }
        try expect(begun <= 1 && ready <= 1, "a session begins once and is ready once")
        try expect(ready == 0 || conversation.isTalking, "who is ready talks")
        return true
    }

    private func check(_ event: OpenAIClientEvent, _ id: String?) throws(Broken) {
        let bytes = event.encoded(id: id)
        var names = 0
        let isObject: Bool = bytes.withUnsafeBytes { bytes in
            do throws(JSONError) {
                var members = try JSONMembers(bytes)
                while try members.next() != nil { names += 1 }
                return true
            } catch { return false }
        }
        try expect(isObject && names >= 1, "what is sent is an object")
        guard bytes.count & 7 == 3 else { return }
        try expect(bytes.withUnsafeBytes { ForeignJSON.object($0) } != nil, "and JSON for Foundation too")
    }

    private mutating func check(_ event: ProviderEvent) throws(Broken) {
        switch event {
        case .ready: ready += 1
        case .speechStarted(_, let time), .speechStopped(_, let time):
            try expect(time >= 0, "a position is not negative")
        case .participantTranscript(_, let text, _), .agentTranscript(_, let text, _):
            try expect(text.utf8.count <= OpenAIConversation.maxTextBytes + 3, "a text is cut to its limit")
        case .participantTranscriptFailed(_, let code), .complained(let code): try checkCode(code)
        case .answerFinished(_, let outcome, _):
            switch outcome {
            case .incomplete(let reason): try checkCode(reason)
            case .failed(let failure): try checkCode(failure.code)
            case .completed, .cancelled: break
            }
        default: break
        }
    }

    /// It goes into logs and metrics.
    private func checkCode(_ code: String) throws(Broken) {
        try expect(!code.isEmpty && code.utf8.count <= Self.longestCode, "a code has 1 to 64 bytes")
        try expect(code.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a code is plain")
    }
}
