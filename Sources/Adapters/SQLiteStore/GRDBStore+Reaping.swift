import GRDB
import InterviewCore
import Ports

extension GRDBStore {
    package func reap(_ sweep: Sweep) async throws(StoreError) -> [Reaped] {
        let limit = min(max(0, sweep.limit), Self.longestList)
        let times = options.leaseTimes
        return try await write { database, now in
            let instant = try LeaseClock.now()
            guard
                let reaper = try InstanceRow.find(sweep.by, at: instant, in: database),
                reaper.maySettleOthers(at: instant, by: times)
            else { return [] }
            let scythe = Scythe(database: database, now: now, instant: instant, sweep: sweep)
            var reaped: [Reaped] = []
            for cause in [Reaped.Cause.noShow, .interrupted, .ownerLost, .zombie] {
                for found in try scythe.find(cause, atMost: limit - reaped.count) {
                    reaped.append(try scythe.settle(found, cause))
                }
            }
            try scythe.forgetTheDead(after: times.remembered)
            return reaped
        }
    }
}

/// One sweep inside its transaction. The file's lock is held, so what was found is still true when it is settled.
private struct Scythe {
    let database: Database
    let now: StoreTime
    let instant: LeaseInstant
    let sweep: Sweep

    struct Found {
        var record: SessionRecord
        /// By the wall clock, when the owner is known and of this boot.
        var leaseEnded: Int64?
    }

    /// The owner's row, when its lease is not past.
    private static let owners = """
        LEFT JOIN instances AS alive
            ON alive.id = sessions.owner AND alive.boot_id = :boot AND alive.lease_until > :instant
        """

    /// - `interrupted`: an owner that lives and has not looked at its rows since it was told may still take its own
    ///   back, so its rows wait for it.
    /// - `zombie`: by the claim's time and not by the owner's telling. Nobody is active who is not there.
    private func condition(_ cause: Reaped.Cause) -> String {
        switch cause {
        case .noShow: "sessions.state = 'scheduled' AND sessions.expires_at <= :now"
        case .interrupted:
            """
            sessions.state = 'interrupted' AND sessions.rejoin_until <= :now
                AND (alive.id IS NULL OR alive.settled >= alive.changed)
            """
        case .ownerLost: "sessions.state = 'active' AND alive.id IS NULL"
        case .zombie:
            """
            sessions.state = 'active' AND alive.id IS NOT NULL AND sessions.disconnected_at IS NULL
                AND sessions.active_at_claim + :now - sessions.claimed_at > :grace + coalesce(
                    (SELECT max(json_extract(body, '$.limits.hard_limit_seconds'), 0) * 1000
                     FROM studies WHERE studies.id = sessions.study), :hardLimit)
            """
        }
    }

    func find(_ cause: Reaped.Cause, atMost limit: Int) throws -> [Found] {
        guard limit > 0 else { return [] }
        let statement = try database.cachedStatement(
            sql: """
                SELECT sessions.*, known.lease_until - :instant AS lease_left
                FROM sessions \(Self.owners)
                LEFT JOIN instances AS known ON known.id = sessions.owner AND known.boot_id = :boot
                WHERE \(condition(cause)) ORDER BY sessions.id LIMIT :limit
                """)
        // Each condition takes of these what it names.
        let arguments: StatementArguments = [
            "now": now.milliseconds, "instant": instant.milliseconds, "boot": instant.boot, "limit": limit,
            "grace": GRDBStore.clamped(sweep.zombieAfter), "hardLimit": GRDBStore.clamped(sweep.defaultHardLimit),
        ]
        return try Row.fetchAll(statement, arguments: arguments).map { row in
            let left = try row.decode(Int64?.self, forColumn: "lease_left")
            return Found(record: try SessionRow.record(row), leaseEnded: left.map { now.milliseconds + min(0, $0) })
        }
    }

    func settle(_ found: Found, _ cause: Reaped.Cause) throws -> Reaped {
        let record = found.record
        switch cause {
        case .noShow: try end(record, .noShow, nil)
        case .interrupted:
            // One who had gone before is theirs, one whom we have lost is ours: incentives are paid by it.
            if record.disconnectedAt == nil {
                try end(record, .interrupted, nil)
            } else {
                try end(record, .participantLeft, "dropped")
            }
        case .ownerLost: try interrupt(found)
        case .zombie: try end(record, .zombie, nil)
        }
        if cause == .ownerLost || cause == .zombie {
            try InstanceRow.raiseChanged(record.ownership.owner, in: database)
        }
        guard let settled = try SessionRow.find(record.id, in: database) else {
            throw StoreError.corrupt(code: "sessions.id")
        }
        return Reaped(cause: cause, record: settled)
    }

    private func end(_ record: SessionRecord, _ reason: CompletionReason, _ detail: String?) throws {
        try SessionEnding.write(reason, detail, to: record, at: now, in: database)
    }

    /// The window runs from the participant's own drop where there was one: a crash after it does not start it again.
    private func interrupt(_ found: Found) throws {
        try database.cachedStatement(
            sql: """
                UPDATE sessions SET
                    state = 'interrupted',
                    rejoin_until = coalesce(disconnected_at, ?1) + coalesce(
                        (SELECT min(max(json_extract(body, '$.limits.rejoin_seconds'), 0), ?2) * 1000
                         FROM studies WHERE studies.id = sessions.study), ?3)
                WHERE id = ?4
                """
        ).execute(arguments: [
            found.leaseEnded ?? now.milliseconds, GRDBStore.longestWindowSeconds,
            GRDBStore.clamped(sweep.defaultRejoin), found.record.id.text,
        ])
    }

    /// Rows of processes that are long dead, and to which no session refers. One of an earlier boot is dead for certain.
    func forgetTheDead(after remembered: Duration) throws {
        try database.cachedStatement(
            sql: """
                DELETE FROM instances
                WHERE (boot_id <> ?1 OR lease_until <= ?2) AND NOT EXISTS (
                    SELECT 1 FROM sessions WHERE sessions.owner = instances.id AND sessions.state <> 'ended')
                """
        ).execute(arguments: [instant.boot, instant.milliseconds - remembered.wholeMilliseconds])
    }
}
