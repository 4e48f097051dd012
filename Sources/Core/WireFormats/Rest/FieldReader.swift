/// Reads the fields of one object of a document, whatever its format, and collects everything that is wrong with it:
/// the author then mends all of it at once. Unknown fields are problems too, because a misspelt optional one would
/// otherwise be dropped without a word.
struct FieldReader {
    private let container: KeyedDecodingContainer<AnyKey>
    private let prefix: String
    private(set) var problems: [FieldProblem] = []

    struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// `known`: every field there is.
    init(_ container: KeyedDecodingContainer<AnyKey>, in prefix: String = "", known: [String]) {
        self.container = container
        self.prefix = prefix
        for key in container.allKeys.map(\.stringValue).sorted() where !known.contains(key) {
            let guess = NearestName.of(key, among: known).map { "did you mean \($0)? " } ?? ""
            problems.append(
                FieldProblem(
                    field: prefix + key, problem: "is unknown",
                    remedy: guess + "The fields are " + known.joined(separator: ", ")))
        }
    }

    func has(_ name: String) -> Bool {
        let key = AnyKey(stringValue: name)
        guard container.contains(key) else { return false }
        return (try? container.decodeNil(forKey: key)) == false
    }

    /// Nil when it is absent or wrong. `limit` counts UTF-8 bytes.
    mutating func text(_ name: String, limit: Int, remedy: String) -> String? {
        guard has(name) else { return nil }
        guard let text = try? container.decode(String.self, forKey: AnyKey(stringValue: name)) else {
            complain(name, "is not text", remedy)
            return nil
        }
        guard text.utf8.count <= limit else {
            complain(name, "is longer than \(limit) bytes", remedy)
            return nil
        }
        return text
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard has(name) else { return nil }
        let remedy = "write a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let number = try? container.decode(Int64.self, forKey: AnyKey(stringValue: name)) else {
            complain(name, "is not a whole number", remedy)
            return nil
        }
        guard range.contains(number) else {
            complain(name, "is out of range", remedy)
            return nil
        }
        return number
    }

    /// The fields of a nested object, or nil when it is absent or something else.
    mutating func object(_ name: String, known: [String]) -> FieldReader? {
        guard has(name) else { return nil }
        guard
            let nested = try? container.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey(stringValue: name))
        else {
            complain(name, "is not an object", "its fields are \(known.joined(separator: ", "))")
            return nil
        }
        return FieldReader(nested, in: "\(prefix)\(name).", known: known)
    }

    mutating func complain(_ name: String, _ problem: String, _ remedy: String) {
        problems.append(FieldProblem(field: prefix + name, problem: problem, remedy: remedy))
    }

    mutating func absorb(_ other: FieldReader) { problems += other.problems }
}
