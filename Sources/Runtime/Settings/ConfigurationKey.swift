/// One key of the configuration: its name, what it may hold, its default and what it is for. The table in
/// `ConfigurationKeys` drives everything else: reading, checking, the environment's names and `Manifests/voiced.yaml`.
struct ConfigurationKey<Value: Sendable>: Sendable {
    /// Dotted, for example `media.public_url`.
    let name: String
    let shape: ConfigurationShape<Value>
    let initial: Value
    /// Sentences for people; lines are broken by whoever prints them.
    let doc: String

    init(_ name: String, _ shape: ConfigurationShape<Value>, _ initial: Value, _ doc: String) {
        self.name = name
        self.shape = shape
        self.initial = initial
        self.doc = doc
    }

    var entry: ConfigurationEntry {
        ConfigurationEntry(
            name: name, meaning: shape.meaning, isList: shape.isList, initial: shape.print(initial), doc: doc)
    }
}

/// A key without its type, for tables and print.
package struct ConfigurationEntry: Sendable, Hashable {
    package let name: String
    /// What it may hold, for example `a whole number from 0 to 65535`.
    package let meaning: String
    package let isList: Bool
    /// The default as it stands in YAML.
    package let initial: String
    package let doc: String

    /// `VOICED_` and the name in capitals with `_`.
    package var environmentName: String { Self.environmentName(name) }

    package static func environmentName(_ name: String) -> String {
        "VOICED_" + name.uppercased().replacing(".", with: "_")
    }
}

/// What somebody wrote for a key, before anybody knows whether it makes sense.
enum RawValue: Sendable, Hashable {
    case scalar(String)
    case list([String])
}

/// Why a value cannot stand, and what to write instead.
struct Complaint: Error, Hashable, Sendable {
    let problem: String
    let remedy: String
}

/// How a kind of value is read and printed.
struct ConfigurationShape<Value: Sendable>: Sendable {
    let meaning: String
    let isList: Bool
    let read: @Sendable (RawValue) throws(Complaint) -> Value
    let print: @Sendable (Value) -> String

    init(
        _ meaning: String, isList: Bool = false,
        read: @escaping @Sendable (RawValue) throws(Complaint) -> Value,
        print: @escaping @Sendable (Value) -> String
    ) {
        self.meaning = meaning
        self.isList = isList
        self.read = read
        self.print = print
    }
}
