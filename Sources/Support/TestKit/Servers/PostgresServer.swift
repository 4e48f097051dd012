import Foundation
import Synchronization

/// A real PostgreSQL on a free port of the loopback, its data in a temporary folder. Everybody on this host may log in
/// as `postgres` (superuser) without a password. It can be stopped in every way that operators and kernels know, and
/// started again on the same data and port; it ends with this process.
package final class PostgresServer: Sendable {
    package enum Stop: Sendable {
        /// SIGTERM: waits for clients (`smart`). SIGINT: disconnects them (`fast`). SIGQUIT: like a crash (`immediate`).
        case smart, fast, immediate
        /// SIGKILL of the postmaster; its children end by themselves.
        case kill
    }

    package let port: Int
    package let folder: String
    private let programs: String
    private let settings: [String: String]
    private let process = Mutex<ServerProcess?>(nil)

    /// Makes a cluster and starts it. `settings` win over these: no power-loss sync (a killed process loses nothing by
    /// it), 200 connections.
    package static func start(settings: [String: String] = [:]) async throws -> PostgresServer {
        let programs = try findPrograms()
        let folder = try ServerProcess.makeFolder("voiced-postgres")
        let server = PostgresServer(
            port: try FreePorts.take(1)[0], folder: folder, programs: programs, settings: settings)
        _ = try await ServerTool.run(
            "\(programs)/initdb",
            ["-D", "\(folder)/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            asServer: true)
        try await server.start()
        return server
    }

    private init(port: Int, folder: String, programs: String, settings: [String: String]) {
        self.port = port
        self.folder = folder
        self.programs = programs
        self.settings = settings
    }

    deinit {
        if let running = process.withLock({ $0 }) {
            running.send(SIGQUIT)
            // It still writes into the folder while it ends.
            for _ in 0..<200 where running.isRunning { usleep(10_000) }
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Starts it again after `stop`; returns when it answers.
    package func start() async throws {
        var values = ["listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"]
        values["max_connections"] = "200"
        values.merge(settings) { $1 }
        let arguments =
            ["-D", "\(folder)/data", "-p", "\(port)"]
            + values.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
        let started = try ServerProcess(
            "\(programs)/postgres", arguments, asServer: true, log: logPath, folder: folder)
        process.withLock { $0 = started }
        let answers = try await waits(
            until: {
                guard started.isRunning else { throw ServerFailure("PostgreSQL ended: \(self.log.suffix(800))") }
                return await self.isReady()
            }, within: .seconds(60))
        guard answers else { throw ServerFailure("PostgreSQL does not answer: \(log.suffix(800))") }
    }

    package func stop(_ how: Stop = .fast) async throws {
        guard let running = process.withLock({ $0 }) else { return }
        let children = Self.children(of: running.pid)
        let signal =
            switch how {
            case .smart: SIGTERM
            case .fast: SIGINT
            case .immediate: SIGQUIT
            case .kill: SIGKILL
            }
        try await running.end(signal, within: .seconds(20))
        // A new server refuses to start while a child of the old one still holds the shared memory.
        _ = try await waits(until: { children.allSatisfy { kill($0, 0) != 0 } }, within: .seconds(10))
        process.withLock { $0 = nil }
    }

    /// Stops every process of the server with SIGSTOP: connections stay open and nothing answers.
    package func freeze() { signalAll(SIGSTOP) }
    package func thaw() { signalAll(SIGCONT) }

    private func signalAll(_ signal: Int32) {
        guard let running = process.withLock({ $0 }) else { return }
        // The postmaster first, so that it starts no child behind our back.
        for pid in [running.pid] + Self.children(of: running.pid) { kill(pid, signal) }
    }

    // MARK: Asking

    /// For `DATABASE_URL`.
    package func url(database: String = "postgres", user: String = "postgres") -> String {
        "postgresql://\(user)@127.0.0.1:\(port)/\(database)"
    }

    /// Rows of text, by psql; several statements in one transaction. Nulls are empty.
    @discardableResult
    package func query(_ sql: String, database: String = "postgres") async throws -> [[String]] {
        let text = try await ServerTool.run(
            "\(programs)/psql", psqlArguments(database) + ["-1", "-v", "ON_ERROR_STOP=1", "-f", "-"], input: sql)
        return text.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    package func makeDatabase(_ name: String) async throws {
        _ = try await ServerTool.run(
            "\(programs)/psql", psqlArguments("postgres") + ["-c", "CREATE DATABASE \(name) TEMPLATE template0"])
    }

    /// Disconnects whoever is in it.
    package func dropDatabase(_ name: String) async throws {
        _ = try await ServerTool.run(
            "\(programs)/psql", psqlArguments("postgres") + ["-c", "DROP DATABASE IF EXISTS \(name) WITH (FORCE)"])
    }

    /// What the server has logged since its first start.
    package var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }
    package var logPath: String { "\(folder)/server.log" }

    private func psqlArguments(_ database: String) -> [String] {
        ["-X", "-q", "-A", "-t", "-F", "\t", "-h", "127.0.0.1", "-p", "\(port)", "-U", "postgres", "-d", database]
    }

    private func isReady() async -> Bool {
        let answer = try? await ServerTool.run("\(programs)/psql", psqlArguments("postgres") + ["-c", "SELECT 1"])
        return answer != nil
    }

    private static func findPrograms() throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap(Int.init)
        for version in versions.sorted(by: >) {
            let folder = "\(root)/\(version)/bin"
            if FileManager.default.isExecutableFile(atPath: "\(folder)/postgres") { return folder }
        }
        throw ServerFailure("PostgreSQL is not installed: .ci/deps test")
    }

    /// From /proc: every line `PPid` of a living process.
    private static func children(of parent: Int32) -> [Int32] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap(Int32.init).filter { pid in
            guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return false }
            return status.contains("\nPPid:\t\(parent)\n")
        }
    }
}
