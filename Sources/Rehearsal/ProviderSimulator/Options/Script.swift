/// What the simulated model says, which tools it calls and what it understands, turn by turn.
package struct Script: Equatable, Sendable {
    package struct ToolCall: Equatable, Sendable {
        package var name: String
        /// JSON text.
        package var arguments: String

        package init(name: String, arguments: String = "{}") {
            self.name = name
            self.arguments = arguments
        }
    }
    /// How an answer ends when nobody interrupts it.
    package enum Ending: Equatable, Sendable {
        case completed
        /// The vendor reports a rate limit in mid-session this way, not by a close.
        case failed(type: String, code: String)
        /// After the first half.
        case contentFilter
    }
    package struct Answer: Equatable, Sendable {
        /// Empty: no message, only the call.
        package var text: String
        /// Made after the message, if the session defines such a tool.
        package var call: ToolCall?
        /// Nil: the simulator's own.
        package var firstAudioLatency: Duration?
        package var ending: Ending

        package init(
            _ text: String, call: ToolCall? = nil, firstAudioLatency: Duration? = nil, ending: Ending = .completed
        ) {
            self.text = text
            self.call = call
            self.firstAudioLatency = firstAudioLatency
            self.ending = ending
        }
    }
    package enum AfterLast: String, Equatable, Sendable, CaseIterable {
        case repeatLast = "repeat_last"
        case startAgain = "start_again"
    }

    /// What decides which answer is due.
    package enum AnswersBy: String, Sendable, CaseIterable {
        /// Each answer follows the last one that is in the conversation: an interrupted question is not asked again.
        case answer
        /// Answer N belongs to turn N of the participant, as often as it is asked for: a turn that is answered twice
        /// shows.
        case turn
    }

    /// Said when a conversation is opened by the model.
    package var greeting: Answer
    /// One for each answer after that. Never empty.
    package var answers: [Answer]
    package var afterLast: AfterLast
    package var answersBy = AnswersBy.answer
    /// Said after the result of a tool.
    package var afterTool: Answer
    /// What turn 1, 2, … of the participant is transcribed as; later turns are echoed as number and length.
    package var userTranscripts: [String]
    /// A name that `espeak-ng --voices` lists.
    package var voice: String

    package init(
        greeting: Answer, answers: [Answer], afterLast: AfterLast = .repeatLast,
        afterTool: Answer = Answer("Thank you. Goodbye."), userTranscripts: [String] = [], voice: String = "en-us"
    ) {
        self.greeting = greeting
        self.answers = answers
        self.afterLast = afterLast
        self.afterTool = afterTool
        self.userTranscripts = userTranscripts
        self.voice = voice
    }

    /// What the conversation looks like when an answer is due.
    package struct Moment: Equatable, Sendable {
        package var agentMessages: Int
        /// The first message of the conversation is the agent's.
        package var openedByAgent: Bool
        package var userMessages: Int
        package var toolJustAnswered: Bool

        package init(agentMessages: Int, openedByAgent: Bool, userMessages: Int, toolJustAnswered: Bool = false) {
            self.agentMessages = agentMessages
            self.openedByAgent = openedByAgent
            self.userMessages = userMessages
            self.toolJustAnswered = toolJustAnswered
        }
    }

    /// Depends on the conversation alone, so one that was rebuilt in a new session goes on where it stopped.
    package func answer(at moment: Moment) -> Answer {
        if moment.toolJustAnswered { return afterTool }
        if moment.agentMessages == 0, moment.userMessages == 0 { return greeting }
        let index: Int
        switch answersBy {
        case .answer: index = moment.agentMessages - (moment.openedByAgent ? 1 : 0)
        case .turn: index = moment.userMessages - 1
        }
        guard index >= answers.count, !answers.isEmpty else {
            return answers.indices.contains(index) ? answers[index] : greeting
        }
        switch afterLast {
        case .repeatLast: return answers[answers.count - 1]
        case .startAgain: return answers[index % answers.count]
        }
    }

    /// `turn` counts from 1.
    package func transcript(ofTurn turn: Int, milliseconds: Int) -> String {
        if userTranscripts.indices.contains(turn - 1) { return userTranscripts[turn - 1] }
        let tenths = (milliseconds + 50) / 100
        return "Participant turn \(turn), \(tenths / 10).\(tenths % 10) seconds."
    }

    /// Everything that may have to be spoken.
    package var texts: [String] {
        ([greeting] + answers + [afterTool]).map(\.text).filter { !$0.isEmpty }
    }
}
