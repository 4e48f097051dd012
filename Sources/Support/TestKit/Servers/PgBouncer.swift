import Foundation
import Synchronization

/// A real PgBouncer in transaction mode in front of a PostgreSQL, every database of it under its own name. Nobody may
/// rely on a session behind it: each transaction may run on another server connection.
package final class PgBouncer: Sendable {
    package let port: Int
    package let folder: String
    private let program: String
    private let process = Mutex<ServerProcess?>(nil)

    /// `poolSize`: server connections for each database.
    package static func start(before server: PostgresServer, poolSize: Int = 4) async throws -> PgBouncer {
        let places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
        guard let program = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            throw ServerFailure("PgBouncer is not installed: .ci/deps test")
        }
        let folder = try ServerProcess.makeFolder("voiced-pgbouncer")
        let bouncer = PgBouncer(port: try FreePorts.take(1)[0], folder: folder, program: program)
        // `server_login_retry`: 15 s by default, in which a server that is back is not tried.
        let settings = """
            [databases]
            * = host=127.0.0.1 port=\(server.port)

            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(bouncer.port)
            unix_socket_dir =
            auth_type = trust
            auth_file = \(folder)/users
            pool_mode = transaction
            default_pool_size = \(poolSize)
            max_client_conn = 500
            server_login_retry = 1
            query_wait_timeout = 10
            logfile = \(folder)/bouncer.log
            pidfile = \(folder)/pid
            """
        try settings.write(toFile: "\(folder)/bouncer.ini", atomically: false, encoding: .utf8)
        try "\"postgres\" \"\"\n".write(toFile: "\(folder)/users", atomically: false, encoding: .utf8)
        for name in ["bouncer.ini", "users"] {
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(folder)/\(name)")
        }
        try await bouncer.start()
        return bouncer
    }

    private init(port: Int, folder: String, program: String) {
        self.port = port
        self.folder = folder
        self.program = program
    }

    deinit {
        process.withLock { $0?.send(SIGKILL) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Starts it again after `stop`; returns when it listens.
    package func start() async throws {
        let started = try ServerProcess(
            program, ["\(folder)/bouncer.ini"], asServer: true, log: "\(folder)/output.log", folder: folder)
        process.withLock { $0 = started }
        let port = port
        let listens = try await waits(
            until: {
                guard started.isRunning else { throw ServerFailure("PgBouncer ended: \(self.log.suffix(800))") }
                return (try? RawClient.connect(port: UInt16(port))) != nil
            }, within: .seconds(30))
        guard listens else { throw ServerFailure("PgBouncer does not listen: \(log.suffix(800))") }
    }

    /// SIGTERM and SIGKILL drop every client at once; SIGINT lets transactions end first.
    package func stop(_ signal: Int32 = SIGTERM) async throws {
        guard let running = process.withLock({ $0 }) else { return }
        try await running.end(signal)
        process.withLock { $0 = nil }
    }

    package func restart() async throws {
        try await stop()
        try await start()
    }

    package func freeze() { process.withLock { $0?.send(SIGSTOP) } }
    package func thaw() { process.withLock { $0?.send(SIGCONT) } }

    package func url(database: String) -> String { "postgresql://postgres@127.0.0.1:\(port)/\(database)" }

    package var log: String { (try? String(contentsOfFile: "\(folder)/bouncer.log", encoding: .utf8)) ?? "" }
}
