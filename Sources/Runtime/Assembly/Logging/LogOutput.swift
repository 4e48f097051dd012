import Foundation
import Logging
import Settings
import Synchronization

/// Where log lines go: standard error, from a queue of its own. A loop that logs never waits for whoever reads the log; a
/// reader that does not keep up loses lines, and is told how many.
package enum LogOutput {
    /// Lines that may wait.
    static let mostWaiting = 10_000

    /// In force for every logger that was not given a level of its own.
    private static let current = Atomic<Int>(levelNumber(.info))

    static var level: Logger.Level {
        let number = current.load(ordering: .relaxed)
        return Logger.Level.allCases.indices.contains(number) ? Logger.Level.allCases[number] : .info
    }

    /// From the next line on.
    static func use(_ level: LogLevel) {
        current.store(levelNumber(Logger.Level(rawValue: level.rawValue) ?? .info), ordering: .relaxed)
    }

    private static func levelNumber(_ level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }

    private static let queue = DispatchQueue(label: "voiced.log")
    private static let waiting = Atomic<Int>(0)
    private static let lost = Atomic<Int>(0)

    static func write(_ line: String) {
        guard waiting.load(ordering: .relaxed) < mostWaiting else {
            lost.wrappingAdd(1, ordering: .relaxed)
            return
        }
        waiting.wrappingAdd(1, ordering: .relaxed)
        queue.async {
            var line = line
            let missing = lost.exchange(0, ordering: .relaxed)
            if missing > 0 {
                line = #"{"level":"warning","event":"log lines lost","count":"\#(missing)"}"# + "\n" + line
            }
            // A closed or full standard error must not end a conversation: the line is lost, no more.
            try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
            waiting.wrappingSubtract(1, ordering: .relaxed)
        }
    }

    /// Returns when every line so far has been written; the last step before a process ends.
    package static func flush() { queue.sync {} }

    /// Once, before the first logger is made.
    package static func install(_ configured: Configuration.Log) {
        let form: LineLogHandler.Form
        switch configured.format {
        case .json: form = .json
        case .text: form = .text
        case .auto: form = isatty(STDERR_FILENO) == 1 ? .text : .json
        }
        use(configured.level)
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, form: form) }
    }
}
