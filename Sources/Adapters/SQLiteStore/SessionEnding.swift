import GRDB
import InterviewCore
import Ports

/// An end that is not its owner's: a reaper's, an administrator's, a suspect's. Owner and epoch stay, so that an owner
/// that was cut off finds its row when it comes back; no journal record is written, because the journal is the owner's
/// and the next sequence is its own.
enum SessionEnding {
    static func write(
        _ reason: CompletionReason, _ detail: String?, to record: SessionRecord, at now: StoreTime,
        in database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                UPDATE sessions SET
                    state = 'ended', completion_reason = ?, completion_detail = ?, ended_at = ?, rejoin_until = NULL
                WHERE id = ?
                """
        ).execute(arguments: [reason.rawValue, detail, now.milliseconds, record.id.text])
        try StudyBudget.release(record.id, in: database)
        try OutboxJob.ended(record.id, epoch: record.ownership.epoch, at: now, in: database)
    }
}
