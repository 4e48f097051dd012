/// Scripts as files. All members may be missing; what is missing comes from the built-in interview.
///
///     { "greeting": "Hello.",
///       "answers": [ "First question?",
///                    { "text": "Goodbye.", "tool": { "name": "end_interview", "arguments": { "reason": "completed" }
/// },                      "first_audio_ms": 700 },
///                    { "text": "Lost.", "fail": { "type": "server_error", "code": "rate_limit_exceeded" } } ],
///       "after_last": "repeat_last", "answers_by": "answer", "after_tool": "Thank you.",
///       "user_transcripts": [ "I am fine." ], "voice": "en-us" }
extension Script {
    private static let answerShape = Shape.either([
        .object([
            "text": .string(maximumLength: PhraseBook.maximumCharacters),
            "tool": .object(["name": .string(), "arguments": .object([:])], required: ["name"]),
            "first_audio_ms": .integer(0...600_000),
            "fail": .object(["type": .string(), "code": .string()], required: ["code"]), "content_filter": .boolean,
        ]),
        .string(maximumLength: PhraseBook.maximumCharacters),
    ])
    private static let shape = Shape.object([
        "greeting": answerShape, "answers": .list(answerShape, maximumCount: 10_000),
        "after_last": .oneOf(AfterLast.allCases.map(\.rawValue)),
        "answers_by": .oneOf(AnswersBy.allCases.map(\.rawValue)), "after_tool": answerShape,
        "user_transcripts": .list(.string(), maximumCount: 10_000), "voice": .string(maximumLength: 64),
    ])

    package init(json bytes: [UInt8]) throws(SimulatorError) {
        self = .interview
        let json: JSON
        do throws(JSONParser.Failure) {
            json = try JSONParser.parse(bytes)
        } catch {
            switch error {
            case .malformed(let offset): throw .invalidScript("not JSON: byte \(offset)")
            case .tooDeep: throw .invalidScript("nested too deeply")
            }
        }
        do throws(ClientError) {
            try Self.check(json)
        } catch {
            throw .invalidScript(error.message)
        }
        if let value = json["greeting"] { greeting = Answer(json: value) }
        if let values = json["answers"]?.array, !values.isEmpty { answers = values.map { Answer(json: $0) } }
        if let value = json["after_last"]?.string { afterLast = AfterLast(rawValue: value) ?? afterLast }
        if let value = json["answers_by"]?.string { answersBy = AnswersBy(rawValue: value) ?? answersBy }
        if let value = json["after_tool"] { afterTool = Answer(json: value) }
        if let values = json["user_transcripts"]?.array { userTranscripts = values.compactMap(\.string) }
        if let value = json["voice"]?.string { voice = value }
    }

    /// The arguments of a call are free, which a shape cannot say of an object: they are looked at apart.
    private static func check(_ json: JSON) throws(ClientError) {
        guard var object = json.object else { throw .wrongType("script", expected: "an object", got: json) }
        for key in ["greeting", "after_tool"] { object[key] = object[key].map(withoutArguments) }
        if let values = object["answers"]?.array { object["answers"] = .array(values.map(withoutArguments)) }
        try shape.check(.object(object), at: "")
    }

    private static func withoutArguments(_ answer: JSON) -> JSON {
        guard var object = answer.object, var tool = object["tool"]?.object, tool["arguments"]?.object != nil
        else { return answer }
        tool["arguments"] = [:]
        object["tool"] = .object(tool)
        return .object(object)
    }
}

extension Script.Answer {
    /// Of JSON that has been checked.
    fileprivate init(json: JSON) {
        self.init(json.string ?? json["text"]?.string ?? "")
        if let tool = json["tool"], let name = tool["name"]?.string {
            call = Script.ToolCall(name: name, arguments: (tool["arguments"] ?? [:]).text)
        }
        firstAudioLatency = json["first_audio_ms"]?.integer.map { .milliseconds($0) }
        if let fail = json["fail"], let code = fail["code"]?.string {
            ending = .failed(type: fail["type"]?.string ?? "server_error", code: code)
        } else if json["content_filter"]?.bool == true {
            ending = .contentFilter
        }
    }
}
