import Dispatch
import Foundation
import Synchronization

/// Why a server that a test wanted is not there. No test goes on without it.
package struct ServerFailure: Error, CustomStringConvertible, Sendable {
    package var description: String

    package init(_ description: String) { self.description = description }
}

/// One start of a real server in the foreground. It ends with the process that started it: a small shell holds the
/// other end of a pipe and kills the server when the pipe closes. (PR_SET_PDEATHSIG would do it too early: it follows
/// the thread that started the child, and dispatch ends idle threads.)
package final class ServerProcess: Sendable {
    package let pid: Int32
    private let ended: Mutex<Bool>
    private let watchdog: Mutex<Pipe?>

    /// `asServer`: as user `postgres` when we are root, for programs that refuse root. Both outputs go to `log`.
    /// `folder`: deleted when the process that started the server is gone before it.
    package init(
        _ program: String, _ arguments: [String], asServer: Bool = false, log: String, folder: String? = nil
    ) throws {
        let process = Process()
        let line = asServer ? Self.asServer(program, arguments) : [program] + arguments
        process.executableURL = URL(fileURLWithPath: line[0])
        process.arguments = Array(line.dropFirst())
        process.standardInput = FileHandle.nullDevice
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        guard let output = FileHandle(forWritingAtPath: log) else { throw ServerFailure("no log at \(log)") }
        output.seekToEndOfFile()
        process.standardOutput = output
        process.standardError = output
        let box = EndBox()
        process.terminationHandler = { _ in box.end() }
        try Self.withoutBlockedSignals { try process.run() }
        pid = process.processIdentifier
        ended = Mutex(false)
        watchdog = Mutex(try Self.watch(pid, folder))
        box.tell { [weak self] in self?.noteEnd() }
    }

    package var isRunning: Bool { ended.withLock { !$0 } }

    package func send(_ signal: Int32) {
        if isRunning { kill(pid, signal) }
    }

    /// Sends `signal`, then SIGKILL to what has not ended within `limit`.
    package func end(_ signal: Int32, within limit: Duration = .seconds(10)) async throws {
        send(signal)
        if signal == SIGKILL { send(SIGCONT) }
        if try await waits(until: { !self.isRunning }, within: limit) { return }
        send(SIGKILL)
        guard try await waits(until: { !self.isRunning }, within: .seconds(5)) else {
            throw ServerFailure("process \(pid) does not end")
        }
    }

    private func noteEnd() {
        ended.withLock { $0 = true }
        watchdog.withLock { pipe in
            try? pipe?.fileHandleForWriting.write(contentsOf: Data("ended\n".utf8))
            pipe = nil
        }
    }

    /// Dispatch's threads block signals, and a child inherits that: PgBouncer would never see its SIGTERM.
    private static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    private static func watch(_ pid: Int32, _ folder: String?) throws -> Pipe {
        let pipe = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c",
            """
            read line || { kill -CONT \(pid); kill -QUIT \(pid); sleep 2; kill -KILL \(pid); sleep 1
                [ -z "$1" ] || rm -rf -- "$1"; }
            """,
            "watchdog", folder ?? "",
        ]
        process.standardInput = pipe
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return pipe
    }

    /// The command line that runs `program` as user `postgres` under our own pid, or as it is when we are not root.
    package static func asServer(_ program: String, _ arguments: [String]) -> [String] {
        guard geteuid() == 0 else { return [program] + arguments }
        return ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", program] + arguments
    }

    /// A fresh folder that the server may write.
    package static func makeFolder(_ name: String) throws -> String {
        let folder = NSTemporaryDirectory() + "\(name)-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
        if geteuid() == 0 {
            guard let user = getpwnam("postgres") else { throw ServerFailure("there is no user postgres") }
            attributes[.ownerAccountID] = NSNumber(value: user.pointee.pw_uid)
            attributes[.groupOwnerAccountID] = NSNumber(value: user.pointee.pw_gid)
        }
        try FileManager.default.setAttributes(attributes, ofItemAtPath: folder)
        return folder
    }
}

/// The end of a process, which may come before anybody asks.
private final class EndBox: Sendable {
    private let state = Mutex<(ended: Bool, body: (@Sendable () -> Void)?)>((false, nil))

    func end() {
        let body = state.withLock { state in
            state.ended = true
            return state.body
        }
        body?()
    }

    func tell(_ body: @escaping @Sendable () -> Void) {
        let ended = state.withLock { state in
            state.body = body
            return state.ended
        }
        if ended { body() }
    }
}

/// A program that runs to its end; `input` to its standard input.
package enum ServerTool {
    package static func run(
        _ program: String, _ arguments: [String], asServer: Bool = false, input: String = ""
    ) async throws -> String {
        let process = Process()
        let line = asServer ? ServerProcess.asServer(program, arguments) : [program] + arguments
        process.executableURL = URL(fileURLWithPath: line[0])
        process.arguments = Array(line.dropFirst())
        let (source, output, failures) = (Pipe(), Pipe(), Pipe())
        process.standardInput = source
        process.standardOutput = output
        process.standardError = failures
        // Read while it runs: a pipe that is full (64 KiB) would hold it up for ever.
        async let said = Self.all(of: output.fileHandleForReading)
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch {
                process.terminationHandler = nil
                try? output.fileHandleForWriting.close()
                continuation.resume(throwing: error)
                return
            }
            try? source.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try? source.fileHandleForWriting.close()
        }
        let text = String(decoding: await said, as: UTF8.self)
        guard status == 0 else {
            let complaint = String(decoding: failures.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            throw ServerFailure("\(program) ended with \(status): \(complaint)")
        }
        return text
    }

    private static func all(of file: FileHandle) async -> Data {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: file.readDataToEndOfFile()) }
        }
    }
}

/// True as soon as `condition` holds, false when it does not within `limit`.
package func waits(
    until condition: @Sendable () async throws -> Bool, within limit: Duration
) async throws -> Bool {
    let deadline = ContinuousClock.now.advanced(by: limit)
    while true {
        if try await condition() { return true }
        guard ContinuousClock.now < deadline else { return false }
        try await Task.sleep(for: .milliseconds(10))
    }
}
