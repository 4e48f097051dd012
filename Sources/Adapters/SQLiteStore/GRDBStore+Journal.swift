import GRDB
import InterviewCore
import Ports
import WireFormats

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

    package func journal(of id: SessionID) async throws(StoreError) -> [JournalRecord] {
        try await records(of: id, in: .conversation)
    }

    /// Rows of a kind that only a newer build knows are left out and counted.
    func records(of id: SessionID, in table: JournalTable) async throws(StoreError) -> [JournalRecord] {
        let tally = tally
        return try await read { database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT epoch, sequence, kind, at, body FROM \(table.rawValue)
                    WHERE session = ? ORDER BY epoch, sequence
                    """)
            return try Row.fetchAll(statement, arguments: [id.text]).compactMap { row -> JournalRecord? in
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

/// Two tables of one shape.
enum JournalTable: String {
    case conversation = "journal"
    /// What fenced owners had not committed.
    case late = "journal_late"
}

/// A journal record on its way into the store, encoded where the caller is and not on the writer's queue.
struct JournalRow: Sendable {
    let record: JournalRecord
    let body: String

    init(_ record: JournalRecord) throws(StoreError) {
        self.record = record
        self.body = try GRDBStore.storing { () throws(StoredValueError) in try JournalBody.text(of: record.entry) }
    }

    /// Throws `.conflict` when the key exists with other content. The same content is no error and changes nothing.
    /// `seen` counts what will be true when the transaction has committed.
    func insert(into database: Database, at now: StoreTime, _ seen: inout StoreStatistics) throws {
        guard try write(to: .conversation, in: database, at: now) else {
            guard try stored(in: database) == record.entry else { throw StoreError.conflict }
            return
        }
        seen.records &+= 1
        if case .usage(let usage) = record.entry { try charge(usage, in: database, &seen) }
    }

    /// Leaves out what the conversation has under this key: the commit had arrived, only its answer was lost.
    func insertLate(into database: Database, at now: StoreTime, _ seen: inout StoreStatistics) throws {
        let statement = try database.cachedStatement(
            sql: "SELECT 1 FROM journal WHERE session = ? AND epoch = ? AND sequence = ?")
        let key: StatementArguments = [record.session.text, record.epoch, record.sequence]
        guard try Row.fetchOne(statement, arguments: key) == nil, try write(to: .late, in: database, at: now) else {
            seen.lateRecordsKnown &+= 1
            return
        }
        seen.lateRecords &+= 1
        if case .usage(let usage) = record.entry { try charge(usage, in: database, &seen) }
    }

    /// False when the key is taken.
    private func write(to table: JournalTable, in database: Database, at now: StoreTime) throws -> Bool {
        try database.cachedStatement(
            sql: """
                INSERT INTO \(table.rawValue)(session, epoch, sequence, kind, at, body) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO NOTHING
                """
        ).execute(arguments: [
            record.session.text, record.epoch, record.sequence, record.entry.kind.rawValue, now.milliseconds, body,
        ])
        return database.changesCount == 1
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
        try StudyBudget.charge(usage.micros, to: record.session, in: database)
    }
}
