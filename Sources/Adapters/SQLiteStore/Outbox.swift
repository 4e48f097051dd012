import GRDB
import InterviewCore
import Ports

/// The outbox: written in the transaction that makes its cause true, so that no end is without its work, nor work
/// without its end.
enum OutboxJob {
    static func ended(_ id: SessionID, epoch: Int64, at now: StoreTime, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO jobs(session, epoch, kind, ordinal, created_at)
                SELECT ?1, ?2, 'ended', coalesce(max(ordinal) + 1, 0), ?3 FROM jobs
                WHERE session = ?1 AND epoch = ?2 AND kind = 'ended'
                """
        ).execute(arguments: [id.text, epoch, now.milliseconds])
    }
}

/// A row of the outbox, oldest first; for tests until workers read it.
package struct OutboxRow: Sendable, Hashable {
    package var session: String
    package var epoch: Int64
    package var kind: String
    package var ordinal: Int64

    package init(session: String, epoch: Int64, kind: String, ordinal: Int64 = 0) {
        self.session = session
        self.epoch = epoch
        self.kind = kind
        self.ordinal = ordinal
    }
}

extension GRDBStore {
    package func outbox() async throws(StoreError) -> [OutboxRow] {
        try await read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT session, epoch, kind, ordinal FROM jobs
                    ORDER BY created_at, session, epoch, kind, ordinal LIMIT 1000
                    """
            ).map {
                OutboxRow(
                    session: try $0.decode(forColumn: "session"), epoch: try $0.decode(forColumn: "epoch"),
                    kind: try $0.decode(forColumn: "kind"), ordinal: try $0.decode(forColumn: "ordinal"))
            }
        }
    }
}
