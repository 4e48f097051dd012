/// One statement of an exchange. Its text is a literal of this program, so that no value can ever be part of it:
/// values travel as bound parameters, which servers do not log when a statement fails.
package struct PostgresStatement: Sendable {
    package var text: StaticString
    /// `$1`, `$2` …, in text form; nil is NULL.
    package var parameters: [String?]

    package init(_ text: StaticString, _ parameters: [String?] = []) {
        self.text = text
        self.parameters = parameters
    }
}

/// A row's columns in text form; nil is NULL.
package typealias PostgresRow = [String?]

package struct PostgresNotification: Sendable, Hashable {
    package var channel: String
    package var payload: String
}
