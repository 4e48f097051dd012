import GRDB
import InterviewCore
import Ports

/// Reads and finds rows of `sessions`. What this build cannot read is `corrupt`, with the column's name.
enum SessionRow {
    static func find(_ id: SessionID, in database: Database) throws -> SessionRecord? {
        let statement = try database.cachedStatement(sql: "SELECT * FROM sessions WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id.text]).map { try record($0) }
    }

    /// True when (owner, epoch) of the row are `holder`'s. Inside a write transaction this is the fence: SQLite has
    /// one writer at a time, so nobody can claim the session before the transaction ends.
    static func isHeld(_ id: SessionID, by holder: Ownership, in database: Database) throws -> Bool {
        guard let owner = holder.owner else { return false }
        let statement = try database.cachedStatement(
            sql: "SELECT 1 FROM sessions WHERE id = ? AND owner = ? AND epoch = ?")
        return try Row.fetchOne(statement, arguments: [id.text, owner.text, holder.epoch]) != nil
    }

    static func record(_ row: Row) throws -> SessionRecord {
        SessionRecord(
            id: try read(row, "id") { SessionID($0) },
            study: try read(row, "study") { StudyID($0) },
            participant: try row.decode(forColumn: "participant"),
            state: try read(row, "state") { SessionState(rawValue: $0) },
            ownership: Ownership(
                owner: try (row.decode(String?.self, forColumn: "owner")).map { InstanceID($0) },
                epoch: try row.decode(forColumn: "epoch")),
            client: try row.decode(forColumn: "client"),
            completionReason: try reason(row),
            completionDetail: try row.decode(forColumn: "completion_detail"),
            createdAt: StoreTime(milliseconds: try row.decode(forColumn: "created_at")),
            expiresAt: StoreTime(milliseconds: try row.decode(forColumn: "expires_at")),
            startedAt: try time(row, "started_at"),
            disconnectedAt: try time(row, "disconnected_at"),
            rejoinUntil: try time(row, "rejoin_until"),
            endedAt: try time(row, "ended_at"),
            activeMilliseconds: try row.decode(forColumn: "active_ms"),
            costMicros: try row.decode(forColumn: "cost_micros"),
            reservedMicros: try row.decode(forColumn: "reserved_micros"),
            closeRequest: try row.decode(forColumn: "close_request"),
            suspected: try row.decode(forColumn: "suspected"))
    }

    private static func read<Value>(_ row: Row, _ column: String, _ make: (String) -> Value?) throws -> Value {
        guard let value = make(try row.decode(String.self, forColumn: column)) else {
            throw StoreError.corrupt(code: "sessions.\(column)")
        }
        return value
    }

    private static func reason(_ row: Row) throws -> CompletionReason? {
        guard let text = try row.decode(String?.self, forColumn: "completion_reason") else { return nil }
        guard let reason = CompletionReason(rawValue: text) else {
            throw StoreError.corrupt(code: "sessions.completion_reason")
        }
        return reason
    }

    private static func time(_ row: Row, _ column: String) throws -> StoreTime? {
        try row.decode(Int64?.self, forColumn: column).map { StoreTime(milliseconds: $0) }
    }
}
