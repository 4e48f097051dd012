import Logging
import Ports
import PostgreSQL

/// Brings the database up to this build's tables, on the direct address: a pooler in transaction mode may give the
/// statements of a script to several server connections.
///
/// Everything happens in one transaction under an advisory lock, so of several processes that start together one does
/// the work and the others find it done. A newer schema than ours is accepted: during a deploy the old build is restarted
/// on what the new one has made.
struct PostgresMigrator: Sendable {
    static let oldestServer = 130_000
    private static let limit: Duration = .seconds(60)
    private static let attempts = 5

    let address: PostgresAddress
    let build: String
    let logger: Logger

    func run() async throws(PostgresStoreError) {
        var backoff = Backoff()
        var attempt = 1
        while true {
            do throws(PostgresStoreError) {
                return try await runOnce()
            } catch {
                // A lock that somebody's long statement holds (55P03), two that met (40P01, 23505 in the catalogue).
                guard attempt < Self.attempts, case .migration(let code) = error,
                    ["55P03", "40P01", "40001", "23505"].contains(code)
                else { throw error }
                attempt += 1
                try? await Task.sleep(for: backoff.pause())
            }
        }
    }

    private func runOnce() async throws(PostgresStoreError) {
        let connection = PostgresConnection()
        do throws(PostgresError) {
            try await connection.connect(to: address, within: PostgresPool.connectLimit)
        } catch { throw PostgresStoreError(error, of: .direct) }
        try await Self.check(connection, .direct)
        do throws(PostgresError) {
            try await migrate(connection)
        } catch {
            await connection.close()
            switch error {
            case .server(let code): throw .migration(code: code)
            case .address, .connection, .deadline: throw PostgresStoreError(error, of: .direct)
            }
        }
        await connection.close()
    }

    /// What our locks and statements rest on.
    static func check(
        _ connection: PostgresConnection, _ setting: PostgresStoreError.Setting
    ) async throws(PostgresStoreError) {
        let version = await connection.serverVersion
        guard version >= oldestServer else { throw .serverTooOld(version: version) }
        let rows: [[PostgresRow]]
        do throws(PostgresError) {
            rows = try await connection.exchange(
                [
                    PostgresStatement(
                        """
                        SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean,
                            current_setting('default_transaction_isolation')
                        """)
                ], within: PostgresPool.connectLimit)
        } catch { throw PostgresStoreError(error, of: setting) }
        guard rows[0].first?.first == "f" else { throw .readOnly }
        guard rows[0].first?.last == "read committed" else { throw .isolation }
    }

    private func migrate(_ connection: PostgresConnection) async throws(PostgresError) {
        // A look without any lock: on every start but the first there is nothing to do.
        if try await version(connection) >= PostgresSchema.version { return }
        try await connection.script("BEGIN", within: Self.limit)
        // The lock's number is ours alone: "voiced" in ASCII.
        try await connection.script(
            """
            SET LOCAL lock_timeout = '15s';
            SET LOCAL statement_timeout = '60s';
            SELECT pg_advisory_xact_lock(130390999131492);
            SET LOCAL lock_timeout = '3s'
            """, within: Self.limit)
        try await connection.script(PostgresSchema.ledgerTable, within: Self.limit)
        let present = try await inTransactionVersion(connection)
        for migration in PostgresSchema.migrations where migration.version > present {
            for script in migration.scripts { try await connection.script(script, within: Self.limit) }
            _ = try await connection.exchange(
                [
                    PostgresStatement(
                        """
                        INSERT INTO voiced_migrations(version, build) VALUES ($1::integer, $2) ON CONFLICT DO NOTHING
                        """, ["\(migration.version)", build.storable])
                ], within: Self.limit)
        }
        try await connection.script("COMMIT", within: Self.limit)
        logger.notice("store migrated", metadata: ["from": "\(present)", "to": "\(PostgresSchema.version)"])
    }

    /// 0 where there is no table yet.
    private func version(_ connection: PostgresConnection) async throws(PostgresError) -> Int {
        let rows = try await connection.exchange(
            [PostgresStatement("SELECT to_regclass('voiced_migrations') IS NOT NULL")], within: Self.limit)
        guard rows[0].first?.first == "t" else { return 0 }
        return try await inTransactionVersion(connection)
    }

    private func inTransactionVersion(_ connection: PostgresConnection) async throws(PostgresError) -> Int {
        let rows = try await connection.exchange(
            [PostgresStatement("SELECT coalesce(max(version), 0) FROM voiced_migrations")], within: Self.limit)
        return rows[0].first?.first.flatMap { $0 }.flatMap { Int($0) } ?? 0
    }
}
