import Dispatch
import Foundation
import ParticipantLoad

/// Progress on standard error (one line rewritten on a terminal, a line each 5 s elsewhere), the result on standard
/// output, Ctrl-C in between.
struct Console {
    let quiet: Bool
    private var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    init(quiet: Bool) { self.quiet = quiet }

    func watch(_ run: LoadRun, thresholds: LoadThresholds) async -> LoadSummary {
        signal(SIGINT, SIG_IGN)
        let interrupt = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        let presses = Presses()
        interrupt.setEventHandler {
            if presses.another() > 1 { _exit(130) }
            Task { await run.stop() }
        }
        interrupt.resume()
        let ticking = Task {
            var seconds = 0
            while !Task.isCancelled {
                try await Task.sleep(for: .seconds(1))
                seconds += 1
                if !quiet, isTerminal || seconds % 5 == 0 { line(await run.progress()) }
            }
        }
        let summary = await run.run(thresholds: thresholds)
        ticking.cancel()
        interrupt.cancel()
        if isTerminal, !quiet { write("\r\u{1B}[K", to: .standardError) }
        return summary
    }

    func say(_ text: String) {
        if !quiet { write("\(text)\n", to: .standardError) }
    }

    private func line(_ now: LoadRun.Progress) {
        let text =
            "\(now.elapsed.components.seconds) s  live \(now.live)  joined \(now.joined)  failed \(now.failed)  "
            + "frames up \(now.framesUp) down \(now.framesDown)  late p99 \(now.lateP99) ms"
        write(isTerminal ? "\r\u{1B}[K\(text)" : "\(text)\n", to: .standardError)
    }

    func show(_ summary: LoadSummary, asJSON: Bool) {
        if asJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            if let bytes = try? encoder.encode(summary) {
                write(String(decoding: bytes, as: UTF8.self) + "\n", to: .standardOutput)
            }
        } else {
            write(table(summary), to: .standardOutput)
        }
        for complaint in summary.complaints { write("falls short: \(complaint)\n", to: .standardError) }
    }

    private func table(_ summary: LoadSummary) -> String {
        var rows: [(String, String)] = [
            ("participants", "\(summary.joined) joined, \(summary.failed) failed, \(summary.rejoins) rejoins"),
            ("join → welcome", spread(summary.join)),
            ("welcome → first voice", spread(summary.firstVoice)),
            ("own last frame → answer", spread(summary.turn)),
            ("lost line → welcome", spread(summary.rejoin)),
            (
                "late frames",
                "p50 \(summary.late.p50)  p99 \(summary.late.p99)  max \(summary.late.max) ms, "
                    + "\(summary.late.overOneFrame) over 20 ms"
            ),
            ("frames up", "\(summary.framesUp) (\(summary.framesUpAgain) again), \(summary.bytesUp / 1_024) KiB"),
            ("frames down", "\(summary.framesDown), \(summary.bytesDown / 1_024) KiB"),
            (
                "sequence",
                "\(summary.missing) missing, \(summary.repeated) repeated, \(summary.afterFlush) after a flush, "
                    + "\(summary.unannounced) unannounced"
            ),
            ("turns", "\(summary.turns) answered, \(summary.unanswered) not, \(summary.underruns) underruns"),
        ]
        rows += summary.outcomes.sorted { $0.key < $1.key }.map { ("ended: \($0.key)", "\($0.value)") }
        rows += summary.closeCodes.sorted { $0.key < $1.key }.map { ("close: \($0.key)", "\($0.value)") }
        rows += summary.errors.sorted { $0.key < $1.key }.map { ("error: \($0.key)", "\($0.value)") }
        let width = rows.map(\.0.count).max() ?? 0
        let body = rows.map { name, value in
            name + String(repeating: " ", count: width - name.count + 2) + value
        }
        return body.joined(separator: "\n") + "\n"
    }

    private func spread(_ values: LoadSummary.Spread) -> String {
        "p50 \(values.p50)  p95 \(values.p95)  p99 \(values.p99)  max \(values.max) ms  (\(values.count))"
    }

    private func write(_ text: String, to handle: FileHandle) { try? handle.write(contentsOf: Data(text.utf8)) }
}

/// How often Ctrl-C was pressed.
private final class Presses: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0
    func another() -> Int {
        lock.withLock {
            count += 1
            return count
        }
    }
}
