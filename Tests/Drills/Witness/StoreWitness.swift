import Foundation
import GRDB

/// Reads rows and journals straight from the SQLite file, past voiced's own code.
package struct StoreWitness {
    package struct Row: Sendable {
        package var state: String
        package var owner: String?
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
        /// A participant's turn: where it ends on the capture clock.
        package var captureEnd: UInt32?
        /// An agent's turn that was interrupted: what was heard of it.
        package var heardMilliseconds: Int?

        package enum CodingKeys: String, CodingKey {
            case speaker, text, micros, model, reason
            case captureEnd = "capture_end"
            case heardMilliseconds = "heard_ms"
        }
    }

    private let queue: DatabaseQueue

    package init(_ path: String) throws {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    package func row(_ session: String) async throws -> Row? {
        try await queue.read { database in
            try GRDB.Row.fetchOne(database, sql: "SELECT * FROM sessions WHERE id = ?", arguments: [session]).map {
                row in
                Row(
                    state: row["state"], owner: row["owner"], reason: row["completion_reason"],
                    detail: row["completion_detail"], activeMilliseconds: row["active_ms"],
                    costMicros: row["cost_micros"])
            }
        }
    }

    package func journal(_ session: String) async throws -> [Line] {
        try await queue.read { database in
            let rows = try GRDB.Row.fetchAll(
                database,
                sql: "SELECT epoch, sequence, kind, body FROM journal WHERE session = ? ORDER BY epoch, sequence",
                arguments: [session])
            return try rows.map { row in
                let body: String = row["body"]
                return Line(
                    epoch: row["epoch"], sequence: row["sequence"], kind: row["kind"],
                    body: try JSONDecoder().decode(Body.self, from: Data(body.utf8)))
            }
        }
    }
}
