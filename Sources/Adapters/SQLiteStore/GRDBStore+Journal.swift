import GRDB
import InterviewCore
import Ports

extension GRDBStore {
    /// All or none of `records`. Records of another epoch than the holder's are `.fenced`, as is a session that does
    /// not exist.
    package func append(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError) {
        guard !records.isEmpty else { return }
        var rows: [JournalRow] = []
        rows.reserveCapacity(records.count)
        for record in records { rows.append(try JournalRow(record)) }
        let sessions = Set(records.map(\.session))
        let isOfEpoch = holder.owner != nil && records.allSatisfy { $0.epoch == holder.epoch }
        let seen = try await counting(records: rows.count) { [rows] () async throws(StoreError) in
            try await write(bytes: rows.reduce(0) { $0 + $1.body.utf8.count }) { database, now in
                let isHeld = try sessions.allSatisfy { try SessionRow.isHeld($0, by: holder, in: database) }
                guard isOfEpoch, isHeld else { throw StoreError.fenced }
                var seen = StoreStatistics()
                for row in rows { try row.insert(into: database, at: now, &seen) }
                return seen
            }
        }
        tally.count { $0.add(seen) }
    }

    /// Counts a refusal on its way to the caller.
    func counting<Value: Sendable>(
        records: Int, _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        do {
            return try await body()
        } catch {
            switch error {
            case .fenced: tally.count { $0.fencedRecords &+= records }
            case .conflict: tally.count { $0.conflicts &+= 1 }
            case .unavailable, .notFound, .corrupt: break
            }
            throw error
        }
    }

    /// Rows of a kind that only a newer build knows are left out and counted.
    package func journal(of id: SessionID) async throws(StoreError) -> [JournalRecord] {
        let tally = tally
        return try await read { database in
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT epoch, sequence, kind, at, body FROM journal WHERE session = ? ORDER BY epoch, sequence",
                arguments: [id.text])
            return try rows.compactMap { row -> JournalRecord? in
                let entry = try JournalBody.entry(
                    kind: try row.decode(forColumn: "kind"), body: try row.decode(forColumn: "body"))
                guard let entry else {
                    tally.count { $0.unknownKinds &+= 1 }
                    return nil
                }
                return JournalRecord(
                    session: id, epoch: try row.decode(forColumn: "epoch"),
                    sequence: try row.decode(forColumn: "sequence"),
                    at: StoreTime(milliseconds: try row.decode(forColumn: "at")), entry: entry)
            }
        }
    }
}

/// A journal record on its way into the store, encoded where the caller is and not on the writer's queue.
struct JournalRow: Sendable {
    let record: JournalRecord
    let body: String

    init(_ record: JournalRecord) throws(StoreError) {
        self.record = record
        self.body = try JournalBody.text(of: record.entry)
    }

    /// Throws `.conflict` when the key exists with other content. The same content is no error and changes nothing.
    /// `seen` counts what will be true when the transaction has committed.
    func insert(into database: Database, at now: StoreTime, _ seen: inout StoreStatistics) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO journal(session, epoch, sequence, kind, at, body) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO NOTHING
                """
        ).execute(arguments: [
            record.session.text, record.epoch, record.sequence, record.entry.kind.rawValue, now.milliseconds, body,
        ])
        guard database.changesCount == 1 else {
            guard try stored(in: database) == record.entry else { throw StoreError.conflict }
            return
        }
        seen.records &+= 1
        if case .usage(let usage) = record.entry { try charge(usage, in: database, &seen) }
    }

    /// What the store holds under this key; nil when nothing, or something that this build does not know.
    func stored(in database: Database) throws -> JournalEntry? {
        let statement = try database.cachedStatement(
            sql: "SELECT kind, body FROM journal WHERE session = ? AND epoch = ? AND sequence = ?")
        let row = try Row.fetchOne(statement, arguments: [record.session.text, record.epoch, record.sequence])
        return try row.flatMap {
            try JournalBody.entry(kind: try $0.decode(forColumn: "kind"), body: try $0.decode(forColumn: "body"))
        }
    }

    /// A provider bills a response once, however often and by whomever it is written down: a later owner may
    /// repeat what a dead one had already committed.
    private func charge(_ usage: UsageEntry, in database: Database, _ seen: inout StoreStatistics) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO usage_responses(response, session, epoch, sequence) VALUES (?, ?, ?, ?)
                ON CONFLICT DO NOTHING
                """
        ).execute(arguments: [usage.response, record.session.text, record.epoch, record.sequence])
        guard database.changesCount == 1 else {
            seen.repeatedResponses &+= 1
            return
        }
        try database.cachedStatement(sql: "UPDATE sessions SET cost_micros = cost_micros + ? WHERE id = ?")
            .execute(arguments: [usage.micros, record.session.text])
    }
}
