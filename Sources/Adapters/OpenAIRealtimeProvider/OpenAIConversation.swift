import InterviewCore
import Ports
import WebSockets
import WireFormats

/// Decides what the server's events mean for a session and what a session's wishes mean for the server. Pure: the
/// connection that owns it does the sending, the reporting and the timers. Sound does not pass through here; whether
/// it may is asked with `isSilenced`.
package struct OpenAIConversation: Sendable {
    package enum State: Sendable, Hashable {
        /// The socket is open or opening. Leaves to `settingUp` at `session.created`.
        case greeting
        /// Configuration and context are out. Leaves to `talking` when both are confirmed.
        case settingUp(configured: Bool, missing: Set<String>)
        /// Until the connection ends.
        case talking
    }

    package enum Step: Sendable, Equatable {
        /// `id` comes back if the server refuses it.
        case send(OpenAIClientEvent, id: String?)
        case report(ProviderEvent)
        /// The session has begun: its time runs.
        case began
        case fail(ProviderFailure)
    }

    /// Items whose text or name is remembered at a time; the oldest goes.
    package static let maxItems = 64
    /// Whole text of one item, in bytes: an hour of talk. What comes beyond is left out.
    package static let maxTextBytes = 64 * 1_024

    package private(set) var state = State.greeting
    /// The answer that runs now.
    package private(set) var active: String?
    /// The last error event, as long as nothing else has been heard since: why a socket closes.
    package private(set) var complaint: OpenAIErrorBody?

    private let session: OpenAISession
    private let context: [OpenAIItem]
    private var texts = RecentItems<String>(limit: Self.maxItems)
    private var functions = RecentItems<String>(limit: Self.maxItems)
    private var silenced = RecentItems<Bool>(limit: Self.maxItems)
    /// Calls of the running answer, told to the session when it is complete.
    private var calls: [Call] = []
    /// Calls that the session has not answered yet.
    private var unanswered: Set<String> = []
    /// An answer is to be asked for as soon as no call is open and no answer runs.
    private var owesSpeech = false
    /// Answers asked for that have not begun, and whether the next to begin has been cancelled already.
    private var requested = 0
    private var silencesNext = false

    private struct Call: Sendable {
        var id: String
        var name: String
        var arguments: String
    }

    private static let setupID = "setup"
    private static let answerID = "answer"
    /// More tool calls in one answer than any model makes.
    private static let maxCalls = 32

    package init(session: OpenAISession, context: [OpenAIItem]) {
        self.session = session
        self.context = context
    }

    package var isTalking: Bool { state == .talking }

    /// The error event that made the server close, if one did: the last thing it said. A line that merely broke has no
    /// such reason, unless it broke before the conversation could begin.
    func reason(forClosing end: WebSocketEnd) -> OpenAIErrorBody? {
        if case .closed(.some) = end { return complaint }
        return isTalking ? nil : complaint
    }

    // MARK: The server has said

    package mutating func received(_ event: OpenAIServerEvent) -> [Step] {
        if case .error(let error) = event { return errorCame(error) }
        complaint = nil
        switch event {
        case .error, .rateLimits, .unused, .unknown, .audioDelta, .outputItemDone:
            return []
        case .sessionCreated:
            return sessionCreated()
        case .sessionUpdated:
            return confirmed(configured: true)
        case .itemAdded(let item), .itemDone(let item):
            return confirmed(item: item.id)
        case .itemTruncated(let item, _), .itemDeleted(let item):
            return [.report(.truncated(item: item))]
        case .speechStarted(let item, let milliseconds):
            return [.report(.speechStarted(item: item, audioStartMilliseconds: max(milliseconds, 0)))]
        case .speechStopped(let item, let milliseconds):
            return [.report(.speechStopped(item: item, audioEndMilliseconds: max(milliseconds, 0)))]
        case .inputTimeout, .inputCommitted, .transcriptionDelta, .transcriptionCompleted, .transcriptionFailed:
            return inputCame(event)
        case .responseCreated(let response):
            return responseCreated(response)
        case .responseDone(let response):
            return responseDone(response)
        case .outputItemAdded(let response, let item):
            return outputItemAdded(item, response: response)
        case .audioDone(_, let item):
            return [.report(.agentAudioFinished(item: item))]
        case .audioTranscriptDelta(_, let item, let delta), .textDelta(_, let item, let delta):
            return agentSaid(delta, item: item)
        case .audioTranscriptDone(_, let item, let text), .textDone(_, let item, let text):
            texts[item] = nil
            return [.report(.agentTranscript(item: item, text: Self.clip(text), final: true))]
        case .functionCallDone(_, let item, let call, let name, let arguments):
            if calls.count < Self.maxCalls {
                calls.append(Call(id: call, name: name.isEmpty ? functions[item] ?? "" : name, arguments: arguments))
            }
            return []
        }
    }

    private mutating func sessionCreated() -> [Step] {
        guard state == .greeting else { return [] }
        state = .settingUp(configured: false, missing: Set(context.compactMap(\.id)))
        // All at once: the order is kept, and one round trip is saved.
        return [.began, .send(.sessionUpdate(session), id: Self.setupID)]
            + context.map { .send(.itemCreate($0), id: Self.setupID) }
    }

    private mutating func confirmed(configured: Bool = false, item: String? = nil) -> [Step] {
        guard case .settingUp(let before, var missing) = state else { return [] }
        if let item { missing.remove(item) }
        let complete = (before || configured) && missing.isEmpty
        state = complete ? .talking : .settingUp(configured: before || configured, missing: missing)
        return complete ? [.report(.ready)] : []
    }

    private mutating func errorCame(_ error: OpenAIErrorBody) -> [Step] {
        complaint = error
        if let failure = OpenAIFailures.fatal(error) { return [.fail(failure)] }
        if error.event == Self.setupID, state != .talking { return [.fail(OpenAIFailures.ended(by: error))] }
        if error.event == Self.answerID {
            requested = max(requested - 1, 0)
            silencesNext = false
        }
        return [.report(.complained(code: OpenAIFailures.code(error)))]
    }

    private mutating func inputCame(_ event: OpenAIServerEvent) -> [Step] {
        switch event {
        case .inputCommitted(let item):
            return [.report(.inputCommitted(item: item))]
        case .transcriptionDelta(let item, let delta):
            guard let text = grown(item, by: delta) else { return [] }
            return [.report(.participantTranscript(item: item, text: text, final: false))]
        case .transcriptionCompleted(let item, let transcript, let usage):
            texts[item] = nil
            let text = ProviderEvent.participantTranscript(item: item, text: Self.clip(transcript), final: true)
            guard let usage else { return [.report(text)] }
            return [.report(text), .report(.transcriptionUsage(item: item, usage))]
        case .transcriptionFailed(let item, let error):
            texts[item] = nil
            return [.report(.participantTranscriptFailed(item: item, code: OpenAIFailures.code(error)))]
        default:
            return []
        }
    }

    // MARK: Answers

    private mutating func responseCreated(_ response: OpenAIResponse) -> [Step] {
        active = response.id
        calls = []
        requested = max(requested - 1, 0)
        if silencesNext { silenced[response.id] = true }
        silencesNext = false
        return [.report(.answerStarted(response: response.id))]
    }

    private mutating func outputItemAdded(_ item: OpenAIServerItem, response: String) -> [Step] {
        if let name = item.name { functions[item.id] = name }
        guard item.type == "message" else { return [] }
        return [.report(.agentItemStarted(item: item.id, response: response))]
    }

    private mutating func agentSaid(_ delta: String, item: String) -> [Step] {
        guard silenced[item] == nil, let text = grown(item, by: delta) else { return [] }
        return [.report(.agentTranscript(item: item, text: text, final: false))]
    }

    /// A late end of a cancelled answer is told like any other: it is money. Tool calls are told only when the answer
    /// is complete: an interrupted one may have broken off within the arguments, and while it runs no other can begin.
    private mutating func responseDone(_ response: OpenAIResponse) -> [Step] {
        if active == response.id { active = nil }
        let outcome = Self.outcome(of: response)
        var steps: [Step] = []
        if outcome == .completed {
            for call in calls {
                unanswered.insert(call.id)
                steps.append(
                    .report(
                        .toolCalled(call: call.id, name: call.name, arguments: call.arguments, response: response.id)))
            }
        }
        calls = []
        steps.append(.report(.answerFinished(response: response.id, outcome: outcome, usage: response.usage)))
        switch outcome {
        case .completed, .incomplete: steps += speechOwed()
        // The participant speaks: an answer to that follows by itself and knows the tool's output.
        case .cancelled: owesSpeech = false
        case .failed: break
        }
        return steps
    }

    private static func outcome(of response: OpenAIResponse) -> AnswerOutcome {
        switch response.status {
        case .completed: .completed
        case .cancelled: .cancelled
        case .incomplete: .incomplete(reason: OpenAIFailures.clip(response.reason ?? "unknown"))
        case .failed: .failed(OpenAIFailures.ended(by: response.error))
        case .inProgress, nil: .failed(ProviderFailure(kind: .protocol, code: "unknown_status"))
        }
    }

    private mutating func speechOwed() -> [Step] {
        guard owesSpeech, unanswered.isEmpty, active == nil else { return [] }
        owesSpeech = false
        return answerRequested(instructions: nil)
    }

    // MARK: The session wishes

    /// `instructions` are for this answer only, and added to the session's: on the wire they would replace them, and
    /// the model would forget whom it plays.
    package mutating func answerRequested(instructions: String?) -> [Step] {
        requested += 1
        let whole = instructions.map { session.instructions.isEmpty ? $0 : session.instructions + "\n\n" + $0 }
        return [.send(.responseCreate(instructions: whole), id: Self.answerID)]
    }

    package mutating func answerCancelled() -> [Step] {
        if let active { silenced[active] = true } else if requested > 0 { silencesNext = true }
        owesSpeech = false
        return [.send(.responseCancel(response: active), id: nil)]
    }

    /// Zero deletes: the server refuses to truncate at 0, and an item nobody heard was not said.
    package mutating func truncated(item: String, heard: Duration) -> [Step] {
        silenced[item] = true
        let (seconds, attoseconds) = min(max(heard, .zero), Self.longestItem).components
        let milliseconds = Int(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
        if milliseconds == 0 { return [.send(.itemDelete(item: item), id: nil)] }
        return [.send(.itemTruncate(item: item, audioEndMilliseconds: milliseconds), id: nil)]
    }

    private static let longestItem = Duration.seconds(3_600)

    package mutating func toolAnswered(call: String, output: String, thenSpeak: Bool) -> [Step] {
        unanswered.remove(call)
        if thenSpeak { owesSpeech = true }
        return [.send(.itemCreate(OpenAIItem(.functionCallOutput(call: call, output: output))), id: nil)] + speechOwed()
    }

    /// True when sound of this item is not wanted any more: the item was truncated or the answer cancelled.
    package func isSilenced(item: String, response: String) -> Bool {
        silenced[item] != nil || silenced[response] != nil
    }

    // MARK: Texts

    /// The whole text of `item` with `delta` at its end; nil when nothing is added.
    private mutating func grown(_ item: String, by delta: String) -> String? {
        let text = texts[item] ?? ""
        guard !delta.isEmpty, text.utf8.count + delta.utf8.count <= Self.maxTextBytes else { return nil }
        texts[item] = text + delta
        return text + delta
    }

    private static func clip(_ text: String) -> String {
        text.utf8.count <= maxTextBytes ? text : String(decoding: text.utf8.prefix(maxTextBytes), as: UTF8.self)
    }
}
