/// One thing that is wrong with the configuration.
package struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
    /// The key, the variable or the file.
    package var key: String
    /// Where its value comes from; nil when it comes from nowhere.
    package var origin: ConfigurationOrigin?
    package var problem: String
    package var remedy: String

    package init(key: String, origin: ConfigurationOrigin? = nil, problem: String, remedy: String) {
        self.key = key
        self.origin = origin
        self.problem = problem
        self.remedy = remedy
    }

    package var description: String {
        "\(key)\(origin.map { " (\($0))" } ?? ""): \(problem); \(remedy)"
    }
}

/// Who said a value.
package enum ConfigurationOrigin: Sendable, Hashable, CustomStringConvertible {
    case flag
    case environment(String)
    case file(String, line: Int?)
    case builtIn

    package var description: String {
        switch self {
        case .flag: "--set"
        case .environment(let name): name
        case .file(let path, let line): line.map { "\(path):\($0)" } ?? path
        case .builtIn: "default"
        }
    }
}

/// Everything that is wrong, at once.
package struct ConfigurationErrors: Error, Sendable, Hashable, CustomStringConvertible {
    /// At least one.
    package var problems: [ConfigurationProblem]

    package init(_ problems: [ConfigurationProblem]) { self.problems = problems }

    package var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return (["\(count) in the configuration:"] + problems.map { "  \($0)" }).joined(separator: "\n")
    }
}
