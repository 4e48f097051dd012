import WireFormats

/// Checks the names that somebody used: an unknown one is a slip that would otherwise leave a default in force without
/// a word, and a secret's is at the wrong place.
struct ConfigurationNames {
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [String] = []
    private let known = ConfigurationKeys.all.map(\.name)

    /// `key=value` as given to `--set`, into a dictionary. The last one counts.
    mutating func flags(_ overrides: [String]) -> [String: String] {
        var flags: [String: String] = [:]
        for override in overrides {
            guard let equals = override.firstIndex(of: "="), equals != override.startIndex else {
                problems.append(
                    ConfigurationProblem(
                        key: "--set", problem: "one of them is no key=value", remedy: "write --set limits.idle=90s"))
                continue
            }
            let key = String(override[..<equals])
            if check(key, .flag) { flags[key] = String(override[override.index(after: equals)...]) }
        }
        return flags
    }

    mutating func check(_ file: ConfigurationFile, path: String) {
        for key in file.values.keys.sorted() { check(key, .file(path, line: file.values[key]?.line)) }
    }

    @discardableResult
    private mutating func check(_ key: String, _ origin: ConfigurationOrigin) -> Bool {
        if known.contains(key) { return true }
        if let place = SecretReader.place(of: key) {
            problems.append(
                ConfigurationProblem(
                    key: key, origin: origin, problem: "secrets do not belong here",
                    remedy: "set \(place) or \(place)_FILE in the environment, and replace the secret if others saw it")
            )
            return false
        }
        let inside = known.filter { $0.hasPrefix("\(key).") }
        let remedy =
            inside.isEmpty
            ? NearestName.of(key, among: known).map { "did you mean \($0)?" } ?? "voiced.yaml lists all keys"
            : "it is a group: \(inside.joined(separator: ", "))"
        problems.append(ConfigurationProblem(key: key, origin: origin, problem: "is no key", remedy: remedy))
        return false
    }

    /// Only a warning: others put names into our environment too (Kubernetes a dozen for each Service).
    mutating func check(environment: [String: String]) {
        let names = ConfigurationKeys.all.map(\.environmentName)
        let secrets = SecretReader.Name.allCases.flatMap { [$0.rawValue, "\($0.rawValue)_FILE"] }
        let links = ["_SERVICE_HOST", "_SERVICE_PORT", "_TCP", "_TCP_ADDR", "_TCP_PORT", "_TCP_PROTO"]
        for name in environment.keys.sorted() where name.hasPrefix("VOICED_") {
            if names.contains(name) || secrets.contains(name) || links.contains(where: name.contains) { continue }
            guard let guess = NearestName.of(name, among: names + secrets) else { continue }
            warnings.append("\(name) in the environment is no key; did you mean \(guess)?")
        }
    }
}
