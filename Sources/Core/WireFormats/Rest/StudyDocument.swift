import InterviewCore

/// A study as people write it, in YAML (`studies.folder`) or JSON (`PUT /v1/studies/{id}`): everything optional until
/// it has been read, then all that is wrong with it is said at once.
package struct StudyDocument: Decodable, Sendable {
    /// Bytes of UTF-8. OpenAI counts instructions as context; 32 KiB is some 8,000 tokens.
    package static let longestInstructions = 32_768
    package static let longestGreeting = 4_096
    package static let longestName = 200
    /// Bounds of a study's own limits; those of the configuration are the same.
    package static let idleSeconds: ClosedRange<Int64> = 10...3_600
    package static let hardLimitSeconds: ClosedRange<Int64> = 60...86_400
    package static let rejoinSeconds: ClosedRange<Int64> = 10...86_400
    package static let budgetMicros: ClosedRange<Int64> = 10_000...1_000_000_000
    /// All sessions of a study together: from nothing, which admits nobody, to a million dollars.
    package static let studyBudgetMicros: ClosedRange<Int64> = 0...1_000_000_000_000

    private let parts: Parts
    private let problems: [FieldProblem]

    private struct Parts: Sendable {
        var id: StudyID?
        var name: String?
        var language: String?
        var instructions: String?
        var greeting: String?
        var voice: String?
        var limits = SessionLimits()
        var budgetMicros: Int64?
    }

    /// Throws only when the document is no object at all.
    package init(from decoder: any Decoder) throws {
        var reader = FieldReader(
            try decoder.container(keyedBy: FieldReader.AnyKey.self),
            known: ["id", "name", "language", "instructions", "greeting", "voice", "limits", "budget_micros"])
        var parts = Parts()
        if let text = reader.text("id", limit: Identifier.longest, remedy: Self.idRemedy) {
            parts.id = StudyID(text)
            if parts.id == nil { reader.complain("id", "is no identifier", Self.idRemedy) }
        }
        parts.name = reader.text("name", limit: Self.longestName, remedy: "write a title for people")
        parts.language = reader.text("language", limit: 35, remedy: Self.languageRemedy)
        if let language = parts.language, !Self.isLanguage(language) {
            reader.complain("language", "is no language tag", Self.languageRemedy)
        }
        parts.instructions = reader.text(
            "instructions", limit: Self.longestInstructions, remedy: "write what the interviewer is to do")
        parts.greeting = reader.text(
            "greeting", limit: Self.longestGreeting,
            remedy: "write what the interviewer is to say first, or leave it out")
        parts.voice = reader.text("voice", limit: Identifier.longest, remedy: Self.voiceRemedy)
        if let voice = parts.voice, !Identifier.isPlain(voice) {
            reader.complain("voice", "is no voice", Self.voiceRemedy)
        }
        parts.limits = Self.limits(&reader)
        parts.budgetMicros = reader.integer("budget_micros", in: Self.studyBudgetMicros)
        self.parts = parts
        self.problems = reader.problems
    }

    private static let idRemedy = "write 1 to 64 characters of A-Z a-z 0-9 _ -"
    private static let languageRemedy = "write a BCP 47 tag, for example en or pt-BR"
    private static let voiceRemedy = "write the provider's name of the voice, for example marin, or leave it out"

    private static func limits(_ reader: inout FieldReader) -> SessionLimits {
        guard
            var fields = reader.object(
                "limits", known: ["idle_seconds", "hard_limit_seconds", "rejoin_seconds", "budget_micros"])
        else { return SessionLimits() }
        let limits = SessionLimits(
            idleSeconds: fields.integer("idle_seconds", in: idleSeconds).map { Int($0) },
            hardLimitSeconds: fields.integer("hard_limit_seconds", in: hardLimitSeconds).map { Int($0) },
            rejoinSeconds: fields.integer("rejoin_seconds", in: rejoinSeconds).map { Int($0) },
            budgetMicros: fields.integer("budget_micros", in: budgetMicros))
        reader.absorb(fields)
        return limits
    }

    /// The study, if nothing is wrong with it. `expected` is the id that its place gives it (the path of a request, the
    /// name of a file): the document may leave it out but not contradict it.
    package func study(expected: StudyID) throws(FieldProblems) -> Study {
        var problems = problems
        func complain(_ field: String, _ problem: String, _ remedy: String) {
            problems.append(FieldProblem(field: field, problem: problem, remedy: remedy))
        }
        if let id = parts.id, id != expected {
            complain("id", "is not \(expected), which its place says", "leave it out, or make them equal")
        }
        let complained = Set(problems.map(\.field))
        if parts.language == nil, !complained.contains("language") {
            complain("language", "is missing", Self.languageRemedy)
        }
        if (parts.instructions ?? "").allSatisfy(\.isWhitespace), !complained.contains("instructions") {
            complain("instructions", "is missing", "write what the interviewer is to do")
        }
        guard problems.isEmpty, let language = parts.language, let instructions = parts.instructions else {
            throw FieldProblems(problems)
        }
        return Study(
            id: expected, name: parts.name ?? expected.text, language: language, instructions: instructions,
            greeting: parts.greeting ?? "", voice: parts.voice, limits: parts.limits,
            budgetMicros: parts.budgetMicros)
    }

    /// The shape of a BCP 47 tag (RFC 5646 section 2.1): 2 to 8 letters, then parts of 1 to 8 letters and digits.
    package static func isLanguage(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard let first = parts.first, (2...8).contains(first.count), first.allSatisfy(isLetter) else { return false }
        return parts.dropFirst().allSatisfy { part in
            (1...8).contains(part.count) && part.allSatisfy { isLetter($0) || (48...57).contains($0) }
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
}
