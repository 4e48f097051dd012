/// A key or password. It says what it is only to who asks for it by name; printing, logging and dumping it do not.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String
    package init(_ text: String) { self.text = text }

    /// The secret itself. Hand it on, never keep it in a message.
    package func reveal() -> String { text }

    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The secrets, from the environment or from files that it names; nil: not given.
package struct Secrets: Sendable, Equatable {
    package var openAIKey: Secret?
    package var googleKey: Secret?
    /// One or more, separated by commas; the first signs, all verify.
    package var tokenSecret: Secret?
    /// `name:sha256[:scope+scope]`, separated by commas or lines.
    package var apiKeys: Secret?
    /// Nil: the store is SQLite.
    package var databaseURL: Secret?
    package var directDatabaseURL: Secret?

    package init(
        openAIKey: Secret? = nil, googleKey: Secret? = nil, tokenSecret: Secret? = nil, apiKeys: Secret? = nil,
        databaseURL: Secret? = nil, directDatabaseURL: Secret? = nil
    ) {
        self.openAIKey = openAIKey
        self.googleKey = googleKey
        self.tokenSecret = tokenSecret
        self.apiKeys = apiKeys
        self.databaseURL = databaseURL
        self.directDatabaseURL = directDatabaseURL
    }
}
