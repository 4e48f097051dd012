/// Every refusal over HTTP: `{"code":…,"message":…}`. `code` is for programs and stays; `message` says to people what
/// is wrong and what to do, and never quotes speech, names or keys.
package struct ErrorBody: Hashable, Sendable, Codable {
    package var code: String
    package var message: String
    /// With `invalid_field`: which one, dotted when it is nested.
    package var field: String?

    package init(code: String, message: String, field: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
    }
}

/// One field of somebody's document that cannot stand as it is.
package struct FieldProblem: Error, Hashable, Sendable {
    /// Dotted, for example `limits.idle_seconds`.
    package var field: String
    /// What is wrong with it, without the value.
    package var problem: String
    /// What to write instead.
    package var remedy: String

    package init(field: String, problem: String, remedy: String) {
        self.field = field
        self.problem = problem
        self.remedy = remedy
    }

    package var message: String { "\(field) \(problem): \(remedy)" }
}

package struct FieldProblems: Error, Hashable, Sendable {
    /// At least one.
    package var all: [FieldProblem]
    package init(_ all: [FieldProblem]) { self.all = all }
}
