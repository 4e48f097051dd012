import Foundation

/// Finds secrets: `NAME` in the environment, or the file that `NAME_FILE` names (a mounted secret). Never in YAML and
/// never in a flag: files are committed and flags are shown by `ps`.
struct SecretReader {
    enum Name: String, CaseIterable {
        case openAI = "OPENAI_API_KEY"
        case google = "GOOGLE_API_KEY"
        case token = "VOICED_TOKEN_SECRET"
        case apiKeys = "VOICED_API_KEYS"
        case database = "DATABASE_URL"
        case directDatabase = "DATABASE_DIRECT_URL"

        var doc: String {
            switch self {
            case .openAI: "Key of the OpenAI provider."
            case .google: "Key of the Gemini provider."
            case .token: "Signs session tokens; several with commas between them: the first signs, all verify."
            case .apiKeys: "API keys of REST by hash; voice-web refuses to start without."
            case .database:
                "PostgreSQL, as postgresql://user:password@host/name; may lead through PgBouncer. Unset: SQLite."
            case .directDatabase:
                "PostgreSQL itself, past PgBouncer: for signals and migrations. Unset: as DATABASE_URL."
            }
        }
    }

    /// Bytes of a secret's file.
    static let longestFile = 65_536
    /// HS256 wants a key as long as its hash (RFC 7518 section 3.2).
    static let shortestTokenSecret = 32

    let environment: [String: String]
    var problems: [ConfigurationProblem] = []

    init(environment: [String: String]) { self.environment = environment }

    mutating func readAll() -> Secrets {
        let secrets = Secrets(
            openAIKey: read(.openAI), googleKey: read(.google), tokenSecret: read(.token), apiKeys: read(.apiKeys),
            databaseURL: read(.database), directDatabaseURL: read(.directDatabase))
        if secrets.directDatabaseURL != nil, secrets.databaseURL == nil {
            complain(
                Name.directDatabase.rawValue, "is set although DATABASE_URL is not",
                "set DATABASE_URL too, or neither for SQLite")
        }
        let parts = (secrets.tokenSecret?.reveal() ?? "").split { $0 == "," || $0.isNewline }
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        if parts.contains(where: { $0.utf8.count < Self.shortestTokenSecret }) {
            complain(
                Name.token.rawValue, "a secret is shorter than \(Self.shortestTokenSecret) characters",
                "make one with: openssl rand -hex 32")
        }
        return secrets
    }

    mutating func read(_ name: Name) -> Secret? {
        let direct = environment[name.rawValue].flatMap { $0.isEmpty ? nil : $0 }
        let file = environment["\(name.rawValue)_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        switch (direct, file) {
        case (nil, nil): return nil
        case (let text?, nil): return check(text, name.rawValue)
        case (_?, _?):
            complain(
                name.rawValue, "is given twice, as itself and as \(name.rawValue)_FILE", "remove one of the two")
            return nil
        case (nil, let path?):
            guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)), data.count <= Self.longestFile,
                let text = String(data: data, encoding: .utf8)
            else {
                complain(
                    "\(name.rawValue)_FILE", "\(path) cannot be read", "name a text file that this user may read")
                return nil
            }
            return check(text, "\(name.rawValue)_FILE")
        }
    }

    /// Editors and `echo` end a file with a line break, which belongs to no secret.
    private mutating func check(_ text: String, _ key: String) -> Secret? {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !trimmed.isEmpty else {
            complain(key, "is empty", "write the secret into it, or unset the variable")
            return nil
        }
        return Secret(trimmed)
    }

    private mutating func complain(_ key: String, _ problem: String, _ remedy: String) {
        problems.append(ConfigurationProblem(key: key, problem: problem, remedy: remedy))
    }

    /// Whether a key of a file or flag looks like a secret that belongs elsewhere, and where.
    static func place(of key: String) -> String? {
        let last = key.split(separator: ".").last.map(String.init)?.lowercased() ?? ""
        let upper = key.uppercased().replacing(".", with: "_")
        if let name = Name.allCases.first(where: { upper == $0.rawValue || "VOICED_\(upper)" == $0.rawValue }) {
            return name.rawValue
        }
        let words = [
            "secret", "password", "api_key", "apikey", "api_keys", "token_secret", "credentials", "private_key",
        ]
        guard words.contains(where: { last.hasSuffix($0) }) else { return nil }
        if key.contains("openai") { return Name.openAI.rawValue }
        if key.contains("google") || key.contains("gemini") { return Name.google.rawValue }
        return last.contains("key") ? Name.apiKeys.rawValue : Name.token.rawValue
    }
}
