import GRDB
import InterviewCore
import Ports
import WireFormats

extension GRDBStore {
    /// Leaves the ledger as it is: a cap below what is used already refuses the next reservation, and takes nothing back.
    package func save(_ study: Study) async throws(StoreError) {
        let body = try Self.storing { () throws(StoredValueError) in try StoredJSON.text(of: study) }
        try await write(bytes: body.utf8.count) { database, now in
            try database.cachedStatement(
                sql: """
                    INSERT INTO studies(id, body, updated_at, cap_micros) VALUES (?, ?, ?, ?)
                    ON CONFLICT(id) DO UPDATE SET
                        body = excluded.body, updated_at = excluded.updated_at, cap_micros = excluded.cap_micros
                    """
            ).execute(arguments: [study.id.text, body, now.milliseconds, study.budgetMicros])
        }
    }

    package func study(_ id: StudyID) async throws(StoreError) -> Study? {
        try await read { database in
            let body = try String.fetchOne(database, sql: "SELECT body FROM studies WHERE id = ?", arguments: [id.text])
            return try body.map { try StoredJSON.value(Study.self, from: $0, column: "studies.body") }
        }
    }

    package func studies() async throws(StoreError) -> [Study] {
        try await read { database in
            try String.fetchAll(database, sql: "SELECT body FROM studies ORDER BY id")
                .map { try StoredJSON.value(Study.self, from: $0, column: "studies.body") }
        }
    }

    /// Encoding happens where the caller is, and its error is a store's.
    static func storing<Value>(
        _ body: () throws(StoredValueError) -> Value
    ) throws(StoreError) -> Value {
        do { return try body() } catch { throw .corrupt(code: error.code) }
    }
}
