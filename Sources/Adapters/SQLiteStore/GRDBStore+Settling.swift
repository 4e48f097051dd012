import Foundation
import GRDB
import InterviewCore
import Ports
import WireFormats

extension GRDBStore {
    package func rows(
        of owner: InstanceID, and held: [SessionID]
    ) async throws(StoreError) -> [SessionRecord] {
        let ids = try Self.storing { () throws(StoredValueError) in try StoredJSON.text(of: held.map(\.text)) }
        return try await read { database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT * FROM sessions WHERE owner = ?
                    UNION SELECT * FROM sessions WHERE id IN (SELECT value FROM json_each(?))
                    ORDER BY id
                    """)
            return try Row.fetchAll(statement, arguments: [owner.text, ids]).map { try SessionRow.record($0) }
        }
    }

    /// A reaper's end keeps the owner and an owner's end does not: of the two only the first can be found here. The
    /// drop is kept too, for the owner knows better than the row whether somebody is there.
    package func takeBack(_ id: SessionID, as holder: Ownership) async throws(StoreError) -> TakeBack {
        try await write { database, _ in
            guard let owner = holder.owner, let record = try SessionRow.find(id, in: database),
                record.ownership == Ownership(owner: owner, epoch: holder.epoch)
            else { throw StoreError.fenced }
            switch record.state {
            case .active: return .unchanged(record)
            case .interrupted: break
            case .ended:
                let isReapers =
                    record.completionReason == .interrupted || record.completionReason == .participantLeft
                guard isReapers else { throw StoreError.fenced }
            case .scheduled: throw StoreError.fenced
            }
            try database.cachedStatement(
                sql: """
                    UPDATE sessions SET
                        state = 'active', completion_reason = NULL, completion_detail = NULL, ended_at = NULL,
                        rejoin_until = NULL
                    WHERE id = ?
                    """
            ).execute(arguments: [id.text])
            let hasBudget = try record.reservedMicros > 0 || StudyBudget.reserve(for: id, in: database)
            guard let taken = try SessionRow.find(id, in: database) else { throw StoreError.fenced }
            return hasBudget ? .taken(taken) : .takenWithoutBudget(taken)
        }
    }

    package func requestClose(_ id: SessionID, detail: String?) async throws(StoreError) -> Ports.CloseRequest {
        try await write { database, now in
            guard let record = try SessionRow.find(id, in: database) else { return .unknown }
            guard record.state != .ended else { return .alreadyEnded }
            let owner = record.ownership.owner
            if let owner, try InstanceRow.isAlive(owner, at: LeaseClock.now(), in: database) {
                try database.cachedStatement(sql: "UPDATE sessions SET close_request = ? WHERE id = ?")
                    .execute(arguments: [detail ?? "", id.text])
                try InstanceRow.raiseChanged(owner, in: database)
                return .requested(of: owner)
            }
            try SessionEnding.write(.adminClosed, detail, to: record, at: now, in: database)
            try InstanceRow.raiseChanged(owner, in: database)
            return .ended
        }
    }

    package func suspect(_ id: SessionID) async throws(StoreError) -> Suspicion {
        try await write { database, now in
            guard let record = try SessionRow.find(id, in: database), record.state != .ended else { return .settled }
            try database.cachedStatement(sql: "UPDATE sessions SET suspected = suspected + 1 WHERE id = ?")
                .execute(arguments: [id.text])
            guard record.suspected + 1 >= Self.deathsUntilEnd else { return .marked }
            try SessionEnding.write(.error, "suspect", to: record, at: now, in: database)
            try InstanceRow.raiseChanged(record.ownership.owner, in: database)
            return .ended
        }
    }

    /// Once may be chance.
    private static let deathsUntilEnd = 2
}
