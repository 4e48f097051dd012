import GRDB
import InterviewCore
import Ports

extension GRDBStore {
    /// More than anybody reads at once; a filter's `limit` is cut to it.
    package static let longestList = 1_000

    package func create(_ session: NewSession) async throws(StoreError) -> SessionRecord {
        try await write { database, now in
            guard try SessionRow.find(session.id, in: database) == nil else { throw StoreError.conflict }
            let study = try Row.fetchOne(
                database, sql: "SELECT 1 FROM studies WHERE id = ?", arguments: [session.study.text])
            guard study != nil else { throw StoreError.notFound }
            let record = SessionRecord(
                id: session.id, study: session.study, participant: session.participant, createdAt: now,
                expiresAt: now.advanced(by: session.expiresIn))
            try database.cachedStatement(
                sql: """
                    INSERT INTO sessions(id, study, participant, state, created_at, expires_at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                record.id.text, record.study.text, record.participant, record.state.rawValue,
                record.createdAt.milliseconds, record.expiresAt.milliseconds,
            ])
            return record
        }
    }

    package func session(_ id: SessionID) async throws(StoreError) -> SessionRecord? {
        try await read { try SessionRow.find(id, in: $0) }
    }

    package func sessions(_ filter: SessionFilter) async throws(StoreError) -> [SessionRecord] {
        var conditions: [String] = []
        var arguments: [String] = []
        if let study = filter.study {
            conditions.append("study = ?")
            arguments.append(study.text)
        }
        if let states = filter.states {
            let marks = Array(repeating: "?", count: states.count).joined(separator: ", ")
            conditions.append("state IN (\(marks))")
            arguments += states.map(\.rawValue).sorted()
        }
        let restriction = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        let limit = min(max(0, filter.limit), Self.longestList)
        let query = "SELECT * FROM sessions \(restriction) ORDER BY created_at DESC, id DESC LIMIT \(limit)"
        return try await read { [arguments] database in
            try Row.fetchAll(database, sql: query, arguments: StatementArguments(arguments))
                .map { try SessionRow.record($0) }
        }
    }
}
