import InterviewCore
import Ports
import PostgreSQL
import WireFormats

extension LibPQStore {
    /// All or none of `records`. Records of another epoch than the holder's are `.fenced`, as is a session that does
    /// not exist.
    ///
    /// The server compares texts, and every build writes the same keys in the same order. Where they differ, the entries
    /// are compared here: another build may have had other words for the same.
    package func append(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError) {
        guard !records.isEmpty else { return }
        guard let owner = holder.owner, records.allSatisfy({ $0.epoch == holder.epoch }) else {
            tally.count { $0.fencedRecords &+= records.count }
            throw .fenced
        }
        do throws(StoreError) {
            try await write(records, owner, holder.epoch)
        } catch {
            guard error == .conflict else { throw error }
            do throws(StoreError) {
                guard let rest = try await missing(of: records) else { throw .conflict }
                if !rest.isEmpty { try await write(rest, owner, holder.epoch) }
            } catch {
                if error == .conflict { tally.count { $0.conflicts &+= 1 } }
                throw error
            }
        }
    }

    private func write(_ records: [JournalRecord], _ owner: InstanceID, _ epoch: Int64) async throws(StoreError) {
        let sessions = Set(records.map(\.session.text)).sorted()
        var operation = CommitOperation("append", sessions, owner: owner, epoch: epoch)
        var stored: [CommitOperation.Record] = []
        stored.reserveCapacity(records.count)
        for record in records { stored.append(try CommitOperation.Record(record)) }
        operation.records = stored
        try await commit(operation, records: records.count)
    }

    /// Those of `records` that the journal does not have; nil when it has one of their keys with another entry.
    func missing(of records: [JournalRecord]) async throws(StoreError) -> [JournalRecord]? {
        var missing = records
        for id in Set(records.map(\.session)) {
            for stored in try await journal(of: id) {
                let isSame = { (record: JournalRecord) in
                    record.session == stored.session && record.epoch == stored.epoch
                        && record.sequence == stored.sequence
                }
                guard missing.allSatisfy({ !isSame($0) || $0.entry == stored.entry }) else { return nil }
                missing.removeAll(where: isSame)
            }
        }
        return missing
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
