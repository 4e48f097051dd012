import Synchronization

/// One PostgreSQL for all tests of a process, with a PgBouncer in front of it, started when the first asks. Each test
/// makes a database of its own there.
package actor SharedPostgres {
    package static let shared = SharedPostgres()

    private var starting: Task<PostgresServer, any Error>?
    private var startingBouncer: Task<PgBouncer, any Error>?
    private var made = 0

    package func server() async throws -> PostgresServer {
        let task = starting ?? Task { try await PostgresServer.start() }
        starting = task
        return try await task.value
    }

    package func bouncer() async throws -> PgBouncer {
        let task = startingBouncer ?? Task { try await PgBouncer.start(before: try await self.server()) }
        startingBouncer = task
        return try await task.value
    }

    /// An empty database with a name of its own.
    package func makeDatabase() async throws -> String {
        made += 1
        let name = "case_\(made)"
        try await server().makeDatabase(name)
        return name
    }
}
