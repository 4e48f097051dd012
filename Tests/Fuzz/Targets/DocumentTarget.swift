import Foundation
import InterviewCore
import WireFormats

/// JSON bodies that researchers, operators and the store hand in. The first byte says which kind the rest is.
///
/// Invariants: the same bytes give the same document; what is accepted keeps to its limits; what can be written reads the
/// same again; whatever is wrong is said with field and remedy, never with the value.
final class DocumentTarget: FuzzTarget {
    enum Kind: Int, CaseIterable {
        case study, createSession, close, drain, prices, session, error, turn, usage, end
    }

    let name = "documents"
    let share = 300
    let longestInput = 80_000
    let seeds: [[UInt8]]
    let words = DocumentShapes.words

    /// In instructions and names of a study it would be somebody's words.
    private static let marker = "zq-Marker-7"

    init(root: String) {
        let examples = ParticipantShapes.examples(DocumentShapes.all).enumerated().map {
            [UInt8($0.offset)] + $0.element
        }
        let kinds: KeyValuePairs<String, Kind> = ["turn.": .turn, "usage.": .usage, "end.": .end]
        let golden = kinds.flatMap { prefix, kind in
            Corpus.files(in: "\(root)/Tests/Golden/Journal", prefix: prefix).map { [UInt8(kind.rawValue)] + $0 }
        }
        seeds = examples + golden
    }

    func generate(_ random: inout Random) -> [UInt8] {
        let kind = random.chance(oneIn: 3) ? random.below(2) : random.below(Kind.allCases.count)
        return [UInt8(kind)] + JSONGrammar.text(of: DocumentShapes.all[kind], &random)
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        guard let first = input.first else { return .refused }
        let data = Data(input.dropFirst())
        guard let kind = Kind(rawValue: Int(first) % Kind.allCases.count) else { return .refused }
        switch kind {
        case .study: return try study(data)
        case .createSession: return try createSession(data)
        case .close: return try same(CloseRequest.self, data)
        case .drain: return try same(DrainRequest.self, data)
        case .prices: return try prices(data)
        case .session: return try same(SessionDocument.self, data)
        case .error: return try same(ErrorBody.self, data)
        case .turn: return try same(Turn.self, data)
        case .usage: return try same(UsageEntry.self, data)
        case .end: return try same(EndEntry.self, data)
        }
    }

    private static func decode<Document: Decodable>(_ type: Document.Type, _ data: Data) -> Document? {
        try? JSONDecoder().decode(type, from: data)
    }

    private func same<Document: Codable & Equatable>(_ type: Document.Type, _ data: Data) throws(Broken) -> Answer {
        guard let document = Self.decode(type, data) else { return .refused }
        try expect(Self.decode(type, data) == document, "the same bytes give the same document")
        guard let written = try? JSONEncoder().encode(document) else {
            throw Broken("does not hold: it can be written")
        }
        try expect(Self.decode(type, written) == document, "written again it reads the same")
        return .accepted
    }

    private func study(_ data: Data) throws(Broken) -> Answer {
        guard let document = Self.decode(StudyDocument.self, data), let id = StudyID("demo") else { return .refused }
        let study: Study
        do throws(FieldProblems) { study = try document.study(expected: id) } catch {
            try check(error.all)
            return .refused
        }
        try expect(study.id == id && StudyDocument.isLanguage(study.language), "a study has its id and a language")
        try expect(
            study.instructions.utf8.count <= StudyDocument.longestInstructions, "instructions keep to their limit")
        try expect(study.greeting.utf8.count <= StudyDocument.longestGreeting, "so does the greeting")
        if let idle = study.limits.idleSeconds { try expect((10...3_600).contains(idle), "and the idle time") }
        if let budget = study.limits.budgetMicros {
            try expect(StudyDocument.budgetMicros.contains(budget), "and the budget")
        }
        guard let written = try? JSONEncoder().encode(study) else { throw Broken("does not hold: it can be written") }
        try expect(Self.decode(Study.self, written) == study, "written again it reads the same")
        return .accepted
    }

    private func createSession(_ data: Data) throws(Broken) -> Answer {
        guard let request = Self.decode(CreateSessionRequest.self, data) else { return .refused }
        try expect(Self.decode(CreateSessionRequest.self, data) == request, "the same bytes give the same document")
        guard request.problems.isEmpty else {
            try check(request.problems)
            return .refused
        }
        try expect(request.study != nil, "a session has a study")
        if let participant = request.participant {
            try expect((1...128).contains(participant.utf8.count), "a name has 1 to 128 bytes")
        }
        if let time = request.expiresInSeconds {
            try expect((60...2_592_000).contains(time), "a time keeps to its limit")
        }
        return .accepted
    }

    private func prices(_ data: Data) throws(Broken) -> Answer {
        guard let file = Self.decode(PriceFile.self, data) else { return .refused }
        let book: PriceBook
        do throws(BudgetError) { book = try file.book() } catch { return .refused }
        let used = Usage(textIn: .max, audioIn: .max, imageIn: -1, textOut: .max, audioOut: .max, milliseconds: .max)
        for model in book.models {
            let cost = try? book.cost(of: used, model: model)
            try expect(cost.map { $0 >= 0 } ?? false, "a cost is not negative")
        }
        return .accepted
    }

    private func check(_ problems: [FieldProblem]) throws(Broken) {
        try expect(!problems.isEmpty, "who refuses says why")
        for problem in problems {
            try expect(!problem.problem.isEmpty && !problem.remedy.isEmpty, "a problem has a remedy")
            try expect(!problem.problem.contains(Self.marker), "a problem does not quote the value")
        }
    }
}
