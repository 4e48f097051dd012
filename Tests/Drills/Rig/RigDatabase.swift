import Foundation
import TestKit

/// The PostgreSQL of a drill and the PgBouncer (transaction mode) before it. Daemons reach the first directly only to
/// listen.
package final class RigDatabase: Sendable {
    package let server: PostgresServer
    package let bouncer: PgBouncer
    /// For each daemon, where the plan asks for them: to PgBouncer, and to the server.
    package let gates: [[DatabaseGate]]

    static let name = "voiced"

    static func start(_ plan: RigPlan) async throws -> RigDatabase {
        let server = try await PostgresServer.start(settings: plan.serverSettings)
        try await server.makeDatabase(name)
        let bouncer = try await PgBouncer.start(before: server, poolSize: 20)
        var gates: [[DatabaseGate]] = []
        for _ in 0..<(plan.gated ? plan.daemons : 0) {
            gates.append([try await DatabaseGate(to: bouncer.port), try await DatabaseGate(to: server.port)])
        }
        Progress.say("PostgreSQL on \(server.port), PgBouncer on \(bouncer.port)")
        return RigDatabase(server: server, bouncer: bouncer, gates: gates)
    }

    private init(server: PostgresServer, bouncer: PgBouncer, gates: [[DatabaseGate]]) {
        self.server = server
        self.bouncer = bouncer
        self.gates = gates
    }

    /// `number`: of the daemon, from 1; nil: for a program that is let through always.
    func environment(_ number: Int?) -> [String: String] {
        let own = number.flatMap { gates.indices.contains($0 - 1) ? gates[$0 - 1] : nil }
        func url(_ port: Int) -> String { "postgresql://postgres@127.0.0.1:\(port)/\(Self.name)" }
        return [
            "DATABASE_URL": url(own?[0].port ?? bouncer.port), "DATABASE_DIRECT_URL": url(own?[1].port ?? server.port),
        ]
    }

    /// Rows of text, past every proxy; several statements are one transaction.
    @discardableResult
    package func query(_ sql: String) async throws -> [[String]] { try await server.query(sql, database: Self.name) }

    /// The one number that `sql` asks for.
    package func number(_ sql: String) async throws -> Int {
        guard let text = try await query(sql).first?.first, let number = Int(text) else {
            throw DrillError.unreadable("a number")
        }
        return number
    }

    func stop() async {
        for gate in gates.flatMap(\.self) { await gate.close() }
        try? await bouncer.stop()
        try? await server.stop(.immediate)
    }
}
