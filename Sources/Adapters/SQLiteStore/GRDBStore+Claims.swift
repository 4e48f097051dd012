import GRDB
import InterviewCore
import Ports

extension GRDBStore {
    /// As `Store.claim` says: (owner, epoch) as the caller read them, compared under the file's lock, so that the row
    /// cannot change between the comparison and the write.
    package func claim(
        _ id: SessionID, expecting expected: Ownership, by owner: InstanceID, client: String
    ) async throws(StoreError) -> Claim {
        try await write { database, now in
            guard try InstanceRow.isAlive(owner, at: LeaseClock.now(), in: database) else { return .leaseLapsed }
            guard let record = try SessionRow.find(id, in: database) else { return .unknown }
            guard record.ownership == expected, record.state != .ended else { return .lost(record) }
            // A session that has something left goes on with it.
            guard try record.reservedMicros > 0 || StudyBudget.reserve(for: id, in: database) else {
                return .studyBudget
            }
            try database.cachedStatement(
                sql: """
                    UPDATE sessions SET
                        owner = ?1, epoch = epoch + 1, state = 'active', client = ?2,
                        started_at = coalesce(started_at, ?3), disconnected_at = NULL, rejoin_until = NULL,
                        claimed_at = ?3, active_at_claim = active_ms
                    WHERE id = ?4
                    """
            ).execute(arguments: [owner.text, client, now.milliseconds, id.text])
            if expected.owner != owner { try InstanceRow.raiseChanged(expected.owner, in: database) }
            guard let claimed = try SessionRow.find(id, in: database) else { return .unknown }
            return .claimed(claimed)
        }
    }
}
