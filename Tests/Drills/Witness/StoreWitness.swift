import Foundation
import GRDB

/// Reads rows and journals straight from the SQLite file, past voiced's own code.
struct StoreWitness {
    struct Row: Sendable {
        var state: String
        var owner: String?
        var reason: String?
        var detail: String?
        var activeMilliseconds: Int
        var costMicros: Int
    }

    struct Line: Sendable {
        var epoch: Int
        var sequence: Int
        var kind: String
        var body: Body
    }

    struct Body: Decodable, Sendable {
        var speaker: String?
        var text: String?
        var micros: Int?
        var model: String?
        var reason: String?
        /// A participant's turn: where it ends on the capture clock.
        var captureEnd: UInt32?
        /// An agent's turn that was interrupted: what was heard of it.
        var heardMilliseconds: Int?

        enum CodingKeys: String, CodingKey {
            case speaker, text, micros, model, reason
            case captureEnd = "capture_end"
            case heardMilliseconds = "heard_ms"
        }
    }

    private let queue: DatabaseQueue

    init(_ path: String) throws {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    func row(_ session: String) async throws -> Row? {
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

    func journal(_ session: String) async throws -> [Line] {
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
