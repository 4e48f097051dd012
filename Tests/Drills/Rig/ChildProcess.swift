import Foundation
import Synchronization

/// One started program. Its output goes to files; what is still running when the drill ends is killed.
package final class ChildProcess: Sendable {
    package struct Exit: Sendable, Equatable {
        /// Nil when a signal ended it.
        package var code: Int32?
        package var signal: Int32?
        package var at: ContinuousClock.Instant
    }

    package let name: String
    package let pid: Int32
    package let outputPath: String
    package let errorPath: String

    /// `arguments` without the program's own name; `environment` is the whole environment.
    package init(
        _ program: String, _ arguments: [String], environment: [String: String], folder: String, name: String
    ) throws {
        self.name = name
        outputPath = "\(folder)/\(name).out"
        errorPath = "\(folder)/\(name).err"
        for path in [outputPath, errorPath] { try Data().write(to: URL(fileURLWithPath: path)) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: outputPath)
        process.standardError = FileHandle(forWritingAtPath: errorPath)
        let box = ExitBox()
        process.terminationHandler = { ended in
            let bySignal = ended.terminationReason == .uncaughtSignal
            box.set(
                Exit(
                    code: bySignal ? nil : ended.terminationStatus, signal: bySignal ? ended.terminationStatus : nil,
                    at: .now))
        }
        try process.run()
        pid = process.processIdentifier
        self.box = box
        Children.register(pid: pid, box: box)
    }

    private let box: ExitBox

    package var ended: Exit? { box.value }

    package func send(_ signal: Int32) { if box.value == nil { kill(pid, signal) } }

    /// Nil when it is still running after `limit`.
    package func exit(within limit: Duration) async -> Exit? {
        try? await eventually("the end of \(name)", within: limit) { self.box.value != nil }
        return box.value
    }

    /// SIGTERM, and SIGKILL after two seconds.
    package func stop() async {
        send(SIGTERM)
        if await exit(within: .seconds(2)) == nil { send(SIGKILL) }
        _ = await exit(within: .seconds(2))
    }

    package var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }
    /// The end of what it wrote to standard error, for a drill's report.
    package var lastErrorLines: String {
        let text = (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(8).joined(separator: "\n")
    }
}

package final class ExitBox: Sendable {
    private let state = Mutex<ChildProcess.Exit?>(nil)
    package var value: ChildProcess.Exit? { state.withLock { $0 } }
    package func set(_ exit: ChildProcess.Exit) { state.withLock { $0 = exit } }
}

/// Everything that was started and may still run.
package enum Children {
    private static let running = Mutex<[(pid: Int32, box: ExitBox)]>([])

    package static func register(pid: Int32, box: ExitBox) { running.withLock { $0.append((pid, box)) } }

    package static func killAll() {
        running.withLock { children in
            for child in children where child.box.value == nil { kill(child.pid, SIGKILL) }
            children.removeAll()
        }
    }

    /// Ctrl-C and SIGTERM leave nothing behind.
    package static func killOnSignals() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                killAll()
                _exit(128 + number)
            }
            source.resume()
            sources.withLock { $0.append(Unchecked(source)) }
        }
    }

    private struct Unchecked: @unchecked Sendable {
        let source: any DispatchSourceSignal
        init(_ source: any DispatchSourceSignal) { self.source = source }
    }
    private static let sources = Mutex<[Unchecked]>([])
}
