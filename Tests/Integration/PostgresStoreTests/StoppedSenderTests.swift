import InterviewCore
import Ports
import PostgreSQL
import PostgresStore
import TestKit
import Testing

/// A process that is stopped in the middle of sending leaves an open transaction on the server, for as long as it sleeps.
@Suite("A store whose process is stopped while it sends", .serialized, .timeLimit(.minutes(3)))
struct StoppedSenderTests {
    enum Change: CaseIterable, Sendable {
        case append, topUp, claim
    }

    /// A store behind a link that can be cut, and who looks whether a row is held.
    struct Scene: Sendable {
        var ward: Ward
        var link: CuttingLink
        var store: LibPQStore
        var witness: PostgresConnection
        var session: SessionID
        var ownership: Ownership

        func perform(_ change: Change) async -> StoreError? {
            let (id, ownership) = (session, ownership)
            do throws(StoreError) {
                switch change {
                case .append: try await store.append([Ward.turn(0, of: (id, ownership))], as: ownership)
                case .topUp: _ = try await store.topUp(id, as: ownership)
                case .claim:
                    let nobody = Ownership(owner: InstanceID("nobody"), epoch: 7)
                    _ = try await store.claim(id, expecting: nobody, by: InstanceID("me"), client: "x")
                }
                return nil
            } catch { return error }
        }

        /// Bytes of the message that carries `change`.
        func length(of change: Change) async throws -> Int {
            _ = try await waits(until: { await perform(change) == nil }, within: .seconds(10))
            link.pass()
            try #require(await perform(change) == nil)
            return link.passed
        }

        /// Sends `change` cut off after so many bytes, and looks for a while whether that holds a row.
        func send(_ change: Change, cutAfter bytes: Int) async throws {
            let losses = store.statistics.reconnects
            link.cut(after: bytes)
            let sending = Task { await perform(change) }
            try #require(try await waits(until: { link.passed >= bytes }, within: .seconds(5)))
            // Where the server has got to cannot be seen from outside, so it is given time to get into trouble.
            for _ in 0..<10 {
                try await witness.script(
                    "BEGIN; SELECT * FROM sessions FOR NO KEY UPDATE NOWAIT; ROLLBACK", within: .seconds(5))
                try await Task.sleep(for: .milliseconds(1))
            }
            let failure = await sending.value
            #expect(Ward.isUnavailable(failure), "\(change), \(bytes)")
            link.pass()
            // The store has given that connection up and makes another; nothing else may be on the link at the next cut.
            let isBack = try await waits(
                until: { store.statistics.reconnects > losses && store.statistics.connectionsUp == 4 },
                within: .seconds(10))
            try #require(isBack)
        }

        func close() async {
            await witness.close()
            link.close()
            await store.close()
            await ward.store.close()
        }
    }

    private func scene() async throws -> Scene {
        let server = try await SharedPostgres.shared.server()
        let database = try await SharedPostgres.shared.makeDatabase()
        let direct = server.url(database: database)
        let ward = Ward(server: server, store: try await Ward.open(LibPQStore.Options(address: direct)))
        let held = try await ward.hold("s")
        let link = try CuttingLink(to: server.port)
        var options = LibPQStore.Options(
            address: "postgresql://postgres@127.0.0.1:\(link.port)/\(database)", directAddress: direct)
        options.deadline = .milliseconds(200)
        let witness = PostgresConnection()
        try await witness.connect(to: PostgresAddress(direct), within: .seconds(5))
        return Scene(
            ward: ward, link: link, store: try await Ward.open(options), witness: witness, session: held.id,
            ownership: held.ownership)
    }

    /// Five bytes are the Sync. It leaves in one write with the Execute before it (`PostgresConnection.exchange`): the
    /// one place where a cut would hold a row, which is why nothing that takes locks may stand further ahead.
    @Test("a message that is cut off anywhere before its last Execute holds no row", arguments: Change.allCases)
    func cut(_ change: Change) async throws {
        let scene = try await scene()
        let whole = try await scene.length(of: change)
        try #require(whole > 100)
        for step in 0..<10 { try await scene.send(change, cutAfter: whole * step / 10) }
        try await scene.send(change, cutAfter: whole - 6)
        await scene.close()
    }
}
