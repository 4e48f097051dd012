import GRDB
import InterviewCore
import Ports

/// Reads and finds rows of `instances`.
struct InstanceRow {
    var leaseUntil: Int64
    var renewedAt: Int64
    var steadySince: Int64
    var changed: Int64
    var settled: Int64
    var isOfThisBoot: Bool

    static func find(
        _ id: InstanceID, at instant: LeaseInstant, in database: Database
    ) throws -> InstanceRow? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT lease_until, renewed_at, steady_since, changed, settled, boot_id = ? AS here
                FROM instances WHERE id = ?
                """)
        return try Row.fetchOne(statement, arguments: [instant.boot, id.text]).map { row in
            InstanceRow(
                leaseUntil: try row.decode(forColumn: "lease_until"),
                renewedAt: try row.decode(forColumn: "renewed_at"),
                steadySince: try row.decode(forColumn: "steady_since"), changed: try row.decode(forColumn: "changed"),
                settled: try row.decode(forColumn: "settled"), isOfThisBoot: try row.decode(forColumn: "here"))
        }
    }

    /// An unknown one is dead.
    static func isAlive(_ id: InstanceID?, at instant: LeaseInstant, in database: Database) throws -> Bool {
        guard let id else { return false }
        return try find(id, at: instant, in: database)?.isAlive(at: instant) ?? false
    }

    func isAlive(at instant: LeaseInstant) -> Bool { isOfThisBoot && leaseUntil > instant.milliseconds }

    /// Renewed without a long pause up to now.
    func isPunctual(at instant: LeaseInstant, by times: LeaseTimes) -> Bool {
        isOfThisBoot && instant.milliseconds - renewedAt <= (times.renewal + times.lateness).wholeMilliseconds
    }

    /// May reap: alive, and its renewals have been steady for long enough.
    func maySettleOthers(at instant: LeaseInstant, by times: LeaseTimes) -> Bool {
        isAlive(at: instant) && isPunctual(at: instant, by: times)
            && instant.milliseconds - steadySince >= times.steady.wholeMilliseconds
    }

    /// Tells this process that something of its rows has changed. An unknown one hears nothing.
    static func raiseChanged(_ id: InstanceID?, in database: Database) throws {
        guard let id else { return }
        try database.cachedStatement(sql: "UPDATE instances SET changed = changed + 1 WHERE id = ?")
            .execute(arguments: [id.text])
    }
}
