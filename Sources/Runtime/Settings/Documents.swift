import Foundation
import InterviewCore
import WireFormats
import Yams

/// Reads studies and prices with Yams (swift-configuration fails on lists of maps, which both will have).
package enum Documents {
    /// Bytes of one file, and files in the folder of studies.
    static let longestFile = 524_288
    static let mostStudies = 1_000

    /// Every study of the folder, by id. A study's id is its file's name without `.yaml`. A missing folder is no error
    /// when it is nobody's wish (`required` false): the store may have studies already.
    package static func studies(in folder: String, required: Bool = false) throws(ConfigurationErrors) -> [Study] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            guard required else { return [] }
            throw ConfigurationErrors([
                ConfigurationProblem(
                    key: "studies.folder", problem: "\(folder) cannot be read",
                    remedy: "name a folder that this user may read")
            ])
        }
        var studies: [Study] = []
        var problems: [ConfigurationProblem] = []
        let files = names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
        for file in files.prefix(mostStudies) {
            do {
                studies.append(try study(file, in: folder))
            } catch {
                problems += error.problems
            }
        }
        for (first, second) in zip(studies, studies.dropFirst()) where first.id == second.id {
            problems.append(
                ConfigurationProblem(key: folder, problem: "holds \(first.id) twice", remedy: "remove one of the files")
            )
        }
        if files.count > mostStudies {
            problems.append(
                ConfigurationProblem(
                    key: folder, problem: "holds more than \(mostStudies) studies", remedy: "PUT the others by REST"))
        }
        guard problems.isEmpty else { throw ConfigurationErrors(problems) }
        return studies
    }

    private static func study(_ file: String, in folder: String) throws(ConfigurationErrors) -> Study {
        let path = "\(folder)/\(file)"
        guard let id = StudyID(file.prefix { $0 != "." }), !file.hasPrefix(".") else {
            throw ConfigurationErrors([
                ConfigurationProblem(
                    key: path, problem: "its name is no id",
                    remedy: "use 1 to 64 characters of A-Z a-z 0-9 _ - and .yaml")
            ])
        }
        let document = try decode(StudyDocument.self, path)
        do {
            return try document.study(expected: id)
        } catch {
            throw ConfigurationErrors(
                error.all.map {
                    ConfigurationProblem(
                        key: $0.field, origin: .file(path, line: nil), problem: $0.problem, remedy: $0.remedy)
                })
        }
    }

    /// What the models cost; `models`: those that will be used, so that none is free by omission.
    package static func prices(
        file: String, models: [String]
    ) throws(ConfigurationErrors) -> PriceBook {
        let document = try decode(PriceFile.self, file)
        let book: PriceBook
        do {
            book = try document.book()
        } catch {
            let problem: ConfigurationProblem
            switch error {
            case .badPrice(let model, let field):
                problem = ConfigurationProblem(
                    key: "models.\(model).\(field)", origin: .file(file, line: nil), problem: "is no price",
                    remedy: "write whole micro-dollars: $4.00 is 4_000_000")
            case .unknownModel(let model):
                problem = Self.unpriced(model, file)
            }
            throw ConfigurationErrors([problem])
        }
        let missing = models.filter { book.prices[$0] == nil }.map { unpriced($0, file, known: book.models) }
        guard missing.isEmpty else { throw ConfigurationErrors(missing) }
        return book
    }

    private static func unpriced(_ model: String, _ file: String, known: [String] = []) -> ConfigurationProblem {
        let guess = NearestName.of(model, among: known).map { " (did you mean \($0)?)" } ?? ""
        return ConfigurationProblem(
            key: "models.\(model)", origin: .file(file, line: nil), problem: "has no price\(guess)",
            remedy: "add what its vendor charges, or configure another model")
    }

    private static func decode<Document: Decodable>(
        _ type: Document.Type, _ path: String
    ) throws(ConfigurationErrors) -> Document {
        func fail(_ problem: String, line: Int? = nil) -> ConfigurationErrors {
            ConfigurationErrors([
                ConfigurationProblem(
                    key: path, origin: line.map { .file(path, line: $0) }, problem: problem, remedy: "mend the file")
            ])
        }
        guard let data = FileManager.default.contents(atPath: path) else { throw fail("cannot be read") }
        guard data.count <= longestFile, let text = String(data: data, encoding: .utf8) else {
            throw fail("is no text or longer than 512 KiB")
        }
        do {
            return try YAMLDecoder().decode(type, from: text)
        } catch let error as YamlError {
            let (line, problem) = ConfigurationFile.explain(error)
            throw fail(problem, line: line)
        } catch let error as DecodingError {
            throw fail(explain(error))
        } catch {
            throw fail("is no YAML")
        }
    }

    /// Names the place, never the value.
    private static func explain(_ error: DecodingError) -> String {
        func path(_ keys: [any CodingKey]) -> String {
            let text = keys.map(\.stringValue).joined(separator: ".")
            return text.isEmpty ? "the document" : text
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(path(context.codingPath + [key])) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(path(context.codingPath)) has the wrong type"
        case .dataCorrupted(let context):
            // Yams wraps its own errors; they know the place.
            if let error = context.underlyingError as? YamlError { return ConfigurationFile.explain(error).problem }
            return "\(path(context.codingPath)) cannot stand (\(context.debugDescription.prefix(80)))"
        @unknown default: return "the document cannot be understood"
        }
    }
}
