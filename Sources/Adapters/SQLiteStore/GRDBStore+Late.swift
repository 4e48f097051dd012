import GRDB
import InterviewCore
import Ports

extension GRDBStore {
    /// No fence: whoever held the session once may say what it had not committed. `holder` is its name in the caller's
    /// hands; the records carry their epochs.
    package func appendLate(_ records: [JournalRecord], as holder: Ownership) async throws(StoreError) {
        guard !records.isEmpty else { return }
        var rows: [JournalRow] = []
        rows.reserveCapacity(records.count)
        for record in records { rows.append(try JournalRow(record)) }
        let seen = try await write(bytes: rows.reduce(0) { $0 + $1.body.utf8.count }) { [rows] database, now in
            var seen = StoreStatistics()
            for id in Set(rows.map(\.record.session)) where try SessionRow.find(id, in: database) == nil {
                throw StoreError.notFound
            }
            for row in rows { try row.insertLate(into: database, at: now, &seen) }
            return seen
        }
        tally.count { $0.add(seen) }
    }

    package func lateJournal(of id: SessionID) async throws(StoreError) -> [JournalRecord] {
        try await records(of: id, in: .late)
    }
}
