import Foundation
import Synchronization

/// One started program. Its output goes to files; what still runs when the bench ends is killed.
final class ChildProcess: Sendable {
    let name: String
    let pid: Int32
    private let outputPath: String
    private let status: Status

    /// Written by the process's own observer, read by anybody.
    private final class Status: Sendable {
        let code = Mutex<Int32?>(nil)
    }

    private static let started = Mutex<[ChildProcess]>([])

    init(
        _ command: (program: String, arguments: [String]), environment: [String: String], folder: String, name: String
    ) throws {
        self.name = name
        outputPath = "\(folder)/\(name).out"
        try Data().write(to: URL(fileURLWithPath: outputPath))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command.program)
        process.arguments = command.arguments
        process.environment = environment
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardInput = FileHandle.nullDevice
        let output = FileHandle(forWritingAtPath: outputPath)
        process.standardOutput = output
        process.standardError = output
        let status = Status()
        process.terminationHandler = { ended in status.code.withLock { $0 = ended.terminationStatus } }
        try process.run()
        self.status = status
        pid = process.processIdentifier
        Self.started.withLock { $0.append(self) }
    }

    var ended: Int32? { status.code.withLock { $0 } }

    /// SIGTERM, and SIGKILL after three seconds.
    func stop() async {
        for number in [SIGTERM, SIGKILL] where ended == nil {
            kill(pid, number)
            for _ in 0..<150 where ended == nil { try? await Task.sleep(for: .milliseconds(20)) }
        }
    }

    var lastLines: String {
        let text = (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(8).joined(separator: "\n")
    }

    static func killAll() {
        for child in started.withLock({ $0 }) where child.ended == nil { kill(child.pid, SIGKILL) }
    }

    /// Ctrl-C and SIGTERM leave nothing behind.
    static func killOnSignals() -> [any DispatchSourceSignal] {
        [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                killAll()
                _exit(128 + number)
            }
            source.resume()
            return source
        }
    }
}
