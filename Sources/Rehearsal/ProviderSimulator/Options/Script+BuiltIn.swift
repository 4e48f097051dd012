extension Script {
    /// A friendly interviewer: six questions, a farewell, then `end_interview` where the session has such a tool.
    package static let interview = Script(
        greeting: Answer(
            "Hello, and thank you for taking part in this interview. There are no right or wrong answers. "
                + "To begin, how are you today?"),
        answers: questions.map { Answer($0) } + [
            Answer(
                "That was my last question. Thank you very much for your time and your answers. Goodbye!",
                call: ToolCall(name: "end_interview", arguments: #"{"reason":"completed"}"#))
        ])

    /// The same questions over and over, for rehearsals that last.
    package static let endless = Script(
        greeting: interview.greeting, answers: questions.map { Answer($0) }, afterLast: .startAgain)

    package static let builtIn: [String: Script] = ["interview": interview, "endless": endless]

    private static let questions = [
        "Thank you. Please tell me about an ordinary day of yours, from morning to evening.",
        "I see. Which part of that day do you enjoy most, and why?",
        "That is interesting. What would you change about it if you could?",
        "And who are the people that matter most to you in your daily life?",
        "Thank you. Can you remember a recent moment that made you happy?",
        "One more question: what do you hope the next year will bring?",
    ]
}
