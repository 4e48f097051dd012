import Foundation
import GRDB

/// Reads rows and journals straight from the SQLite file or from the PostgreSQL server, past voiced's own code.
package struct StoreWitness: Sendable {
    package struct Row: Sendable {
        package var state: String
        package var owner: String?
        package var epoch: Int
        package var reason: String?
        package var detail: String?
        package var activeMilliseconds: Int
        package var costMicros: Int
    }

    package struct Line: Sendable {
        package var epoch: Int
        package var sequence: Int
        package var kind: String
        package var body: Body
    }

    package struct Body: Decodable, Sendable {
        package var speaker: String?
        package var text: String?
        package var micros: Int?
        package var model: String?
        package var reason: String?
        /// Usage: the provider's id of the answer.
        package var response: String?
        /// A participant's turn: where it ends on the capture clock.
        package var captureEnd: UInt32?
        /// An agent's turn that was interrupted: what was heard of it.
        package var heardMilliseconds: Int?

        package enum CodingKeys: String, CodingKey {
            case speaker, text, micros, model, reason, response
            case captureEnd = "capture_end"
            case heardMilliseconds = "heard_ms"
        }
    }

    private enum Source: Sendable {
        case file(DatabaseQueue)
        case server(RigDatabase)
    }

    private let source: Source

    package init(_ path: String) throws {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        source = .file(try DatabaseQueue(path: path, configuration: configuration))
    }

    /// Whatever the rig's daemons write to.
    package init(_ rig: Rig) throws {
        if let database = rig.database {
            self.init(source: .server(database))
        } else {
            try self.init(rig.databasePath)
        }
    }

    private init(source: Source) { self.source = source }

    package func row(_ session: String) async throws -> Row? { try await rows([session])[session] }

    /// By session; without those that are unknown.
    package func rows(_ sessions: [String]) async throws -> [String: Row] {
        let found = try await ask(
            """
            SELECT id, state, owner, epoch, completion_reason, completion_detail, active_ms, cost_micros
            FROM sessions WHERE id IN (\(Self.list(sessions)))
            """)
        var rows: [String: Row] = [:]
        for columns in found {
            rows[columns[0]] = Row(
                state: columns[1], owner: Self.known(columns[2]), epoch: Int(columns[3]) ?? 0,
                reason: Self.known(columns[4]), detail: Self.known(columns[5]),
                activeMilliseconds: Int(columns[6]) ?? 0, costMicros: Int(columns[7]) ?? 0)
        }
        return rows
    }

    package func journal(_ session: String) async throws -> [Line] { try await lines("journal", session) }
    /// What came too late: beside the conversation.
    package func lateJournal(_ session: String) async throws -> [Line] { try await lines("journal_late", session) }

    /// The instance that is, or was last, at a media port.
    package func instance(at slot: DaemonSlot) async throws -> String? {
        try await ask(
            """
            SELECT id FROM instances WHERE media_address LIKE '%:\(slot.ports.media)'
            ORDER BY started_at DESC LIMIT 1
            """
        ).first?.first
    }

    private func lines(_ table: String, _ session: String) async throws -> [Line] {
        let found = try await ask(
            """
            SELECT epoch, sequence, kind, body FROM \(table) WHERE session = \(Self.list([session]))
            ORDER BY epoch, sequence
            """)
        return try found.map { columns in
            Line(
                epoch: Int(columns[0]) ?? 0, sequence: Int(columns[1]) ?? 0, kind: columns[2],
                body: try JSONDecoder().decode(Body.self, from: Data(columns[3].utf8)))
        }
    }

    /// Rows of text; nulls are empty.
    private func ask(_ sql: String) async throws -> [[String]] {
        switch source {
        case .server(let database): return try await database.query(sql)
        case .file(let queue):
            return try await queue.read { database in
                try GRDB.Row.fetchAll(database, sql: sql).map { row in
                    row.databaseValues.map {
                        String.fromDatabaseValue($0) ?? Int64.fromDatabaseValue($0).map(String.init) ?? ""
                    }
                }
            }
        }
    }

    /// Ids are plain: `[A-Za-z0-9_-]`.
    private static func list(_ ids: [String]) -> String { ids.map { "'\($0)'" }.joined(separator: ", ") }
    private static func known(_ text: String) -> String? { text.isEmpty ? nil : text }
}
