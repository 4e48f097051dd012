import GRDB
import InterviewCore
import Ports

extension GRDBStore {
    /// A session that does not exist is `.fenced` too: it is not the caller's.
    ///
    /// The row's cost is what the journal's usage records make. A `costMicros` that says otherwise is counted
    /// (`StoreStatistics.costDifferences`), never written.
    package func update(
        _ id: SessionID, as holder: Ownership, _ change: SessionChange
    ) async throws(StoreError) {
        guard let owner = holder.owner else { throw .fenced }
        let holding: StatementArguments = [id.text, owner.text, holder.epoch]
        switch change {
        case .disconnected(let active):
            try await write { database, now in
                try Self.change(
                    database, "disconnected_at = coalesce(disconnected_at, ?), active_ms = max(active_ms, ?)",
                    [now.milliseconds, active], where: holding)
            }
        case .reconnected(let client):
            try await write { database, now in
                // A long absence is no activity: others count it (`Reaped.Cause.zombie`) from here.
                try Self.change(
                    database, "client = ?, disconnected_at = NULL, claimed_at = ?, active_at_claim = active_ms",
                    [client, now.milliseconds], where: holding)
            }
        case .released(let window, let active, let cost):
            let differs = try await write { database, now in
                // The window runs from when the participant went, as after a crash: a release does not start it again.
                try Self.change(
                    database,
                    """
                    state = 'interrupted', owner = NULL, active_ms = max(active_ms, ?),
                    rejoin_until = coalesce(disconnected_at, ?) + ?
                    """,
                    [active, now.milliseconds, Self.clamped(window)], where: holding)
                return try Self.costDiffers(of: id, from: cost, in: database)
            }
            if differs { tally.count { $0.costDifferences &+= 1 } }
        case .ended(let end, let sequence, let active, let cost):
            try await self.end(id, as: holder, end, sequence: sequence, active: active, cost: cost)
        }
    }

    private func end(
        _ id: SessionID, as holder: Ownership, _ end: EndEntry, sequence: Int64, active: Int64, cost: Int64
    ) async throws(StoreError) {
        let row = try JournalRow(
            JournalRecord(session: id, epoch: holder.epoch, sequence: sequence, entry: .end(end)))
        let seen = try await counting(records: 1) { () async throws(StoreError) in
            try await write(bytes: row.body.utf8.count) { database, now in
                var seen = StoreStatistics()
                if try Self.isEnded(id, as: holder, with: row, in: database) { return seen }
                try row.insert(into: database, at: now, &seen)
                try Self.end(id, end, active: active, as: holder, at: now, in: database)
                if try Self.costDiffers(of: id, from: cost, in: database) { seen.costDifferences = 1 }
                return seen
            }
        }
        tally.count { $0.add(seen) }
    }

    /// Ten years: a sum with any wall clock stays far from the end of Int64.
    static let longestWindowSeconds: Int64 = 10 * 366 * 86_400

    static func clamped(_ duration: Duration) -> Int64 {
        min(max(0, duration.wholeMilliseconds), longestWindowSeconds * 1_000)
    }

    private static func change(
        _ database: Database, _ assignments: String, _ values: StatementArguments, where holding: StatementArguments
    ) throws {
        let statement = try database.cachedStatement(
            sql: "UPDATE sessions SET \(assignments) WHERE id = ? AND owner = ? AND epoch = ? AND state <> 'ended'")
        try statement.execute(arguments: values + holding)
        guard database.changesCount == 1 else { throw StoreError.fenced }
    }

    /// True when this very end has been written before (its answer was lost). Throws `.conflict` when another end
    /// stands under the same key, `.fenced` when the session is somebody else's or ended by somebody else.
    private static func isEnded(
        _ id: SessionID, as holder: Ownership, with row: JournalRow, in database: Database
    ) throws -> Bool {
        if try SessionRow.isHeld(id, by: holder, in: database) { return false }
        guard let record = try SessionRow.find(id, in: database), record.state == .ended,
            record.ownership.epoch == holder.epoch, let stored = try row.stored(in: database)
        else { throw StoreError.fenced }
        guard stored == row.record.entry else { throw StoreError.conflict }
        return true
    }

    /// The owner's end stands over whatever somebody else has made of the row meanwhile, an end included
    /// (the caller has checked that the row is still the owner's).
    private static func end(
        _ id: SessionID, _ end: EndEntry, active: Int64, as holder: Ownership, at now: StoreTime, in database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                UPDATE sessions SET
                    state = 'ended', owner = NULL, completion_reason = ?, completion_detail = ?, ended_at = ?,
                    rejoin_until = NULL, active_ms = max(active_ms, ?)
                WHERE id = ?
                """
        ).execute(arguments: [end.reason.rawValue, end.detail, now.milliseconds, active, id.text])
        try StudyBudget.release(id, in: database)
        try OutboxJob.ended(id, epoch: holder.epoch, at: now, in: database)
    }

    private static func costDiffers(of id: SessionID, from cost: Int64, in database: Database) throws -> Bool {
        let statement = try database.cachedStatement(sql: "SELECT cost_micros FROM sessions WHERE id = ?")
        return try Int64.fetchOne(statement, arguments: [id.text]) != cost
    }
}
