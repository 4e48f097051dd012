import GRDB
import InterviewCore
import Ports

extension GRDBStore {
    package func save(_ study: Study) async throws(StoreError) {
        let body = try StoredJSON.text(of: study)
        try await write(bytes: body.utf8.count) { database, now in
            try database.cachedStatement(
                sql: """
                    INSERT INTO studies(id, body, updated_at) VALUES (?, ?, ?)
                    ON CONFLICT(id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at
                    """
            ).execute(arguments: [study.id.text, body, now.milliseconds])
        }
    }

    package func study(_ id: StudyID) async throws(StoreError) -> Study? {
        try await read { database in
            let body = try String.fetchOne(database, sql: "SELECT body FROM studies WHERE id = ?", arguments: [id.text])
            return try body.map { try StoredJSON.value(Study.self, from: $0, code: "studies.body") }
        }
    }

    package func studies() async throws(StoreError) -> [Study] {
        try await read { database in
            try String.fetchAll(database, sql: "SELECT body FROM studies ORDER BY id")
                .map { try StoredJSON.value(Study.self, from: $0, code: "studies.body") }
        }
    }
}
