import GRDB
import InterviewCore
import Ports

/// The ledger of a study, in the transaction of whoever changes it. In every state that is committed
/// `spent + Σ reserved ≤ cap`, unless the cap itself was lowered: only a reservation adds to the left side, and it looks
/// first; what is used beyond one is `debt`. `spent + debt` is the sum of all usage, late records included.
enum StudyBudget {
    /// Sets another step aside for this session. False: the cap has no room, and nothing has changed.
    static func reserve(for session: SessionID, in database: Database) throws -> Bool {
        try database.cachedStatement(
            sql: """
                UPDATE studies SET reserved_micros = reserved_micros + ?1
                WHERE id = (SELECT study FROM sessions WHERE id = ?2)
                    AND (cap_micros IS NULL OR spent_micros + debt_micros + reserved_micros + ?1 <= cap_micros)
                """
        ).execute(arguments: [Reservation.step, session.text])
        guard database.changesCount == 1 else { return false }
        try database.cachedStatement(sql: "UPDATE sessions SET reserved_micros = reserved_micros + ? WHERE id = ?")
            .execute(arguments: [Reservation.step, session.text])
        return true
    }

    /// At an end, whoever ends it.
    static func release(_ session: SessionID, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                UPDATE studies SET reserved_micros = reserved_micros -
                    (SELECT reserved_micros FROM sessions WHERE id = ?1)
                WHERE id = (SELECT study FROM sessions WHERE id = ?1)
                """
        ).execute(arguments: [session.text])
        try database.cachedStatement(sql: "UPDATE sessions SET reserved_micros = 0 WHERE id = ?")
            .execute(arguments: [session.text])
    }

    /// Money that has been spent, from the session's reservation as far as it goes.
    static func charge(_ micros: Int64, to session: SessionID, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                UPDATE studies SET
                    spent_micros = spent_micros + part.within, reserved_micros = reserved_micros - part.within,
                    debt_micros = debt_micros + ?1 - part.within
                FROM (SELECT study, min(?1, reserved_micros) AS within FROM sessions WHERE id = ?2) AS part
                WHERE studies.id = part.study
                """
        ).execute(arguments: [micros, session.text])
        try database.cachedStatement(
            sql: """
                UPDATE sessions SET
                    cost_micros = cost_micros + ?1, reserved_micros = reserved_micros - min(?1, reserved_micros)
                WHERE id = ?2
                """
        ).execute(arguments: [micros, session.text])
    }
}

extension GRDBStore {
    package func topUp(_ id: SessionID, as holder: Ownership) async throws(StoreError) -> TopUp {
        try await write { database, _ in
            guard try SessionRow.isHeld(id, by: holder, in: database),
                try SessionRow.find(id, in: database)?.state != .ended
            else { throw StoreError.fenced }
            guard try StudyBudget.reserve(for: id, in: database) else { return .refused }
            return .granted(reservedMicros: try SessionRow.find(id, in: database)?.reservedMicros ?? 0)
        }
    }

    package func ledger(of study: StudyID) async throws(StoreError) -> StudyLedger? {
        try await read { database in
            try Row.fetchOne(
                database,
                sql: "SELECT cap_micros, spent_micros, reserved_micros, debt_micros FROM studies WHERE id = ?",
                arguments: [study.text]
            ).map { row in
                StudyLedger(
                    capMicros: try row.decode(forColumn: "cap_micros"),
                    spentMicros: try row.decode(forColumn: "spent_micros"),
                    reservedMicros: try row.decode(forColumn: "reserved_micros"),
                    debtMicros: try row.decode(forColumn: "debt_micros"))
            }
        }
    }
}
