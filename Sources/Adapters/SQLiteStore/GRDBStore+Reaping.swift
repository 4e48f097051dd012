import GRDB
import InterviewCore
import Ports

extension GRDBStore {
    /// Changes neither owner nor epoch and writes no journal record: the journal is its owner's, and one that was cut
    /// off may come back with its own next record. A participant who had gone before the interruption ends as
    /// `participant_left` (`dropped`), one whom we have lost as `interrupted`: incentives are paid by it.
    package func endOverdue(limit: Int) async throws(StoreError) -> [SessionRecord] {
        let limit = min(max(0, limit), Self.longestList)
        return try await write { database, now in
            let statement = try database.cachedStatement(
                sql: """
                    UPDATE sessions SET
                        state = 'ended', ended_at = ?1, rejoin_until = NULL,
                        completion_reason = CASE
                            WHEN state = 'scheduled' THEN 'no_show'
                            WHEN disconnected_at IS NOT NULL THEN 'participant_left'
                            ELSE 'interrupted' END,
                        completion_detail = CASE
                            WHEN state = 'interrupted' AND disconnected_at IS NOT NULL THEN 'dropped' END
                    WHERE id IN (
                        SELECT id FROM (
                            SELECT id FROM sessions WHERE state = 'scheduled' AND expires_at <= ?1
                            UNION ALL
                            SELECT id FROM sessions WHERE state = 'interrupted' AND rejoin_until <= ?1
                        ) LIMIT ?2)
                    RETURNING *
                    """)
            let ended = try Row.fetchAll(statement, arguments: [now.milliseconds, limit])
                .map { try SessionRow.record($0) }
            for record in ended {
                try OutboxJob.ended(record.id, epoch: record.ownership.epoch, at: now, in: database)
            }
            return ended.sorted { $0.id < $1.id }
        }
    }

    /// The window runs from the participant's own drop where there was one: a crash after it does not start it again.
    package func interruptOrphans(
        of keep: InstanceID, defaultRejoin: Duration
    ) async throws(StoreError) -> [SessionRecord] {
        try await write { database, now in
            let statement = try database.cachedStatement(
                sql: """
                    UPDATE sessions SET
                        state = 'interrupted',
                        rejoin_until = coalesce(disconnected_at, ?1) + coalesce(
                            (SELECT min(max(json_extract(body, '$.limits.rejoin_seconds'), 0), ?4) * 1000
                             FROM studies WHERE studies.id = sessions.study), ?2)
                    WHERE state = 'active' AND owner IS NOT ?3
                    RETURNING *
                    """)
            return try Row.fetchAll(
                statement,
                arguments: [
                    now.milliseconds, Self.clamped(defaultRejoin), keep.text, Self.longestWindowSeconds,
                ]
            )
            .map { try SessionRow.record($0) }
            .sorted { $0.id < $1.id }
        }
    }
}
