import Foundation
import Logging

/// Writes one line an event: JSON for machines, or a short form for a terminal. What it is given holds no speech, names
/// or keys; that is the business of whoever logs.
struct LineLogHandler: LogHandler {
    enum Form: Sendable {
        case json
        case text
    }

    let label: String
    let form: Form
    var metadata: Logger.Metadata = [:]
    /// Set for this logger alone; else the process's level counts, which a reload may change.
    private var ownLevel: Logger.Level?

    init(label: String, form: Form) {
        self.label = label
        self.form = form
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? LogOutput.level }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = event.metadata.map { metadata.merging($0) { _, new in new } } ?? metadata
        let pairs = all.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        let line =
            switch form {
            case .json: json(event.level, "\(event.message)", pairs)
            case .text: text(event.level, "\(event.message)", pairs)
            }
        LogOutput.write(line)
    }

    private func json(_ level: Logger.Level, _ message: String, _ pairs: [(String, String)]) -> String {
        var line = #"{"at":"\#(Self.timestamp())","level":"\#(level.rawValue)","source":"# + Self.quoted(label)
        line += #","event":"# + Self.quoted(message)
        for (key, value) in pairs { line += "," + Self.quoted(key) + ":" + Self.quoted(value) }
        return line + "}\n"
    }

    private func text(_ level: Logger.Level, _ message: String, _ pairs: [(String, String)]) -> String {
        let time = Self.timestamp().dropFirst(11).prefix(12)
        let fields = pairs.map { " \($0.0)=\($0.1)" }.joined()
        let name = level.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
        return "\(time) \(name) \(message)\(fields)\n"
    }

    private static func timestamp() -> String {
        Date.now.formatted(
            .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case let scalar where scalar.value < 0x20:
                quoted += "\\u" + String(scalar.value + 0x10000, radix: 16).dropFirst()
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
