/// What PostgreSQL has done, by its own count.
struct StoreLoad: Sendable {
    struct Numbers {
        var updates: Double
        var walBytes: Double
        var statements: Double
    }

    let database: RigDatabase

    func measure(for length: Duration) async throws -> Numbers {
        let before = try await read()
        try await Task.sleep(for: length)
        let after = try await read()
        return Numbers(
            updates: after.updates - before.updates, walBytes: after.walBytes - before.walBytes,
            statements: after.statements - before.statements)
    }

    /// Backends tell their counts when they are idle, within a second or two.
    private func read() async throws -> Numbers {
        let row =
            try await database.query(
                """
                SELECT (SELECT coalesce(sum(n_tup_upd), 0)::bigint FROM pg_stat_user_tables),
                    pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint,
                    (SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
                        WHERE query NOT LIKE '%pg_stat_statements%' AND query NOT LIKE '%sabotage%')
                """
            ).first?.compactMap(Double.init) ?? []
        guard row.count == 3 else { throw DrillError.unreadable("what PostgreSQL has counted") }
        return Numbers(updates: row[0], walBytes: row[1], statements: row[2])
    }

    /// Sabotage: what a lease for each session would write.
    func renewEachSession() async throws {
        while true {
            try await database.query("UPDATE sessions SET claimed_at = claimed_at WHERE state = 'active'")
            try await Task.sleep(for: .seconds(2))
        }
    }
}
