import InterviewCore
import Ports
import PostgreSQL
import WireFormats

extension LibPQStore {
    /// All or none of `records`. Records of another epoch than the holder's are `.fenced`, as is a session that does
    /// not exist. Equal is equal text: every build writes the same keys in the same order.
    package func append(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError) {
        guard !records.isEmpty else { return }
        guard let owner = holder.owner, records.allSatisfy({ $0.epoch == holder.epoch }) else {
            tally.count { $0.fencedRecords &+= records.count }
            throw .fenced
        }
        let sessions = Set(records.map(\.session.text)).sorted()
        var operation = CommitOperation("append", sessions, owner: owner, epoch: holder.epoch)
        var stored: [CommitOperation.Record] = []
        stored.reserveCapacity(records.count)
        for record in records { stored.append(try CommitOperation.Record(record)) }
        operation.records = stored
        try await commit(operation, records: records.count)
    }

    private struct LateAsk: Encodable {
        var sessions: [String]
        var records: [CommitOperation.Record]
    }

    package func appendLate(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError) {
        guard !records.isEmpty else { return }
        var ask = LateAsk(sessions: Set(records.map(\.session.text)).sorted(), records: [])
        for record in records { ask.records.append(try CommitOperation.Record(record, epoch: record.epoch)) }
        let answer = try await self.ask("SELECT voiced_append_late_1($1::jsonb)", ask)
        switch answer.result {
        case "ok": tally.count { $0.lateRecords &+= answer.records ?? 0 }
        case "unknown": throw .notFound
        default: throw answer.unknown
        }
    }

    package func journal(of id: SessionID) async throws(StoreError) -> [JournalRecord] {
        try records(
            of: id,
            try await call(
                "SELECT epoch, sequence, kind, at, body FROM journal WHERE session = $1 ORDER BY epoch, sequence",
                [id.text]))
    }

    package func lateJournal(of id: SessionID) async throws(StoreError) -> [JournalRecord] {
        try records(
            of: id,
            try await call(
                "SELECT epoch, sequence, kind, at, body FROM journal_late WHERE session = $1 ORDER BY epoch, sequence",
                [id.text]))
    }

    /// Rows of a kind that only a newer build knows are left out and counted.
    private func records(of id: SessionID, _ rows: [PostgresRow]) throws(StoreError) -> [JournalRecord] {
        var records: [JournalRecord] = []
        records.reserveCapacity(rows.count)
        for row in rows {
            guard row.count == 5, let epoch = row[0].flatMap({ Int64($0) }),
                let sequence = row[1].flatMap({ Int64($0) }),
                let kind = row[2], let at = row[3].flatMap({ Int64($0) }), let body = row[4]
            else { throw .corrupt(code: "journal") }
            let entry: JournalEntry?
            do { entry = try JournalBody.entry(kind: kind, body: body) } catch { throw .corrupt(code: error.code) }
            guard let entry else {
                tally.count { $0.unknownKinds &+= 1 }
                continue
            }
            records.append(
                JournalRecord(
                    session: id, epoch: epoch, sequence: sequence, at: StoreTime(milliseconds: at), entry: entry))
        }
        return records
    }
}
