import Foundation

/// What a drill has found: expectations and figures, and at the end the one line that machines read.
struct Verdict {
    enum Figure: Encodable {
        case whole(Int)
        case number(Double)
        case text(String)
        case flag(Bool)
        case list([String])

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .whole(let value): try container.encode(value)
            case .number(let value): try container.encode((value * 1_000).rounded() / 1_000)
            case .text(let value): try container.encode(value)
            case .flag(let value): try container.encode(value)
            case .list(let value): try container.encode(value)
            }
        }
    }

    private var figures: [String: Figure]
    private(set) var failures: [String] = []
    private(set) var expectations = 0
    private let began = ContinuousClock.now

    init(drill: String, sabotage: String?) {
        figures = ["drill": .text(drill)]
        if let sabotage {
            figures["sabotage"] = .text(sabotage)
            Progress.say("sabotage: \(sabotage)")
        }
    }

    var isOK: Bool { failures.isEmpty }

    /// `what` is a sentence that is true when all is well.
    mutating func expect(_ condition: Bool, _ what: String, _ found: @autoclosure () -> String = "") {
        expectations += 1
        if condition {
            Progress.say("  ok    \(what)")
        } else {
            let detail = found()
            failures.append(detail.isEmpty ? what : "\(what): \(detail)")
            Progress.say("  FAILS \(failures.last ?? what)")
        }
    }

    mutating func fail(_ what: String) { expect(false, what) }

    /// What another part of the drill, held beside this one, has found.
    mutating func merge(_ part: Verdict) {
        figures.merge(part.figures) { own, _ in own }
        failures += part.failures
        expectations += part.expectations
    }

    /// As `merge(_:)`, each figure under the part's own name.
    mutating func merge(_ part: Verdict, as name: String) {
        for (key, value) in part.figures where key != "drill" { figures["\(name)_\(key)"] = value }
        failures += part.failures.map { "\(name): \($0)" }
        expectations += part.expectations
    }

    func value(_ name: String) -> Double? {
        switch figures[name] {
        case .whole(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    mutating func figure(_ name: String, _ value: Int) { figures[name] = .whole(value) }
    mutating func figure(_ name: String, _ value: Double) { figures[name] = .number(value) }
    mutating func figure(_ name: String, _ value: String) { figures[name] = .text(value) }

    /// The last line of standard output.
    func line() -> String {
        var all = figures
        all["ok"] = .flag(isOK)
        all["expectations"] = .whole(expectations)
        all["seconds"] = .number((ContinuousClock.now - began) / .seconds(1))
        if !failures.isEmpty { all["failures"] = .list(failures) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(all) else { return #"{"ok":false}"# }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Lines for people, on standard error.
enum Progress {
    static func say(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8)) }
}

/// Why a drill cannot even be held.
package enum DrillError: Error, CustomStringConvertible {
    case missing(String)
    case notReady(String)
    case timeout(String)
    case unreadable(String)

    package var description: String {
        switch self {
        case .missing(let what): "missing: \(what)"
        case .notReady(let what): "did not become ready: \(what)"
        case .timeout(let what): "waited too long for \(what)"
        case .unreadable(let what): "cannot be read: \(what)"
        }
    }
}

enum Sabotage {
    static var isOn: Bool { ProcessInfo.processInfo.environment["SABOTAGE"] == "1" }
}

/// Waits until `condition` holds, asking every 20 ms.
package func eventually(
    _ what: String, within limit: Duration, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw DrillError.timeout(what) }
        try await Task.sleep(for: .milliseconds(20))
    }
}
