import InterviewCore
import Logging
import Ports
import PostgreSQL
import PostgresStore
import TestKit
import Testing

/// A server that a test may maltreat, with a database of its own and a store on it whose patience is short.
struct Ward: Sendable {
    static let database = "ward"
    let server: PostgresServer
    let store: LibPQStore

    /// What nobody may find in a log or an error.
    static let speech = "Ich heiße Zwackelmann und wohne in der Kirchgasse"

    static func open(settings: [String: String] = [:]) async throws -> Ward {
        let server = try await PostgresServer.start(settings: settings)
        try await server.makeDatabase(database)
        return Ward(server: server, store: try await open(options(server)))
    }

    static func options(_ server: PostgresServer) -> LibPQStore.Options {
        LibPQStore.Options(
            address: server.url(database: database), build: "test", deadline: .seconds(2), shortDeadline: .seconds(1))
    }

    static func open(_ options: LibPQStore.Options) async throws(PostgresStoreError) -> LibPQStore {
        try await LibPQStore.open(options, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func close() async throws {
        await store.close()
        try await server.stop(.immediate)
    }

    /// A session that `owner` holds.
    func hold(_ name: String, owner: String = "me") async throws -> (id: SessionID, ownership: Ownership) {
        let study = Study(
            id: try #require(StudyID("study")), name: "s", language: "en", instructions: Self.speech, greeting: "")
        try await store.save(study)
        let id = try #require(SessionID(name))
        let row = try await store.create(
            NewSession(id: id, study: study.id, participant: Self.speech, expiresIn: .seconds(3_600)))
        try await live(owner)
        guard
            case .claimed(let claimed) = try await store.claim(
                id, expecting: row.ownership, by: InstanceID(owner), client: "page")
        else { throw ServerFailure("claim lost") }
        return (id, claimed.ownership)
    }

    func live(_ name: String) async throws {
        _ = try await store.register(
            NewInstance(
                id: InstanceID(name), build: "b", mediaAddress: "127.0.0.1:9", mediaURL: nil, capacity: 10))
    }

    static func turn(
        _ sequence: Int64, of session: (id: SessionID, ownership: Ownership), _ text: String = speech
    ) -> JournalRecord {
        JournalRecord(
            session: session.id, epoch: session.ownership.epoch, sequence: sequence,
            entry: .turn(
                Turn(speaker: .participant, item: "i\(sequence)", text: text, startMilliseconds: 0, endMilliseconds: 1))
        )
    }

    /// The error of `body`, or nil.
    static func failure(_ body: () async throws(StoreError) -> Void) async -> StoreError? {
        do { try await body() } catch { return error }
        return nil
    }

    static func isUnavailable(_ error: StoreError?) -> Bool {
        if case .unavailable = error { return true }
        return false
    }

    /// Asks again for as long as the store is unavailable, as every caller of it does.
    static func insist<Value: Sendable>(
        _ body: @Sendable () async throws(StoreError) -> Value
    ) async throws -> Value {
        let started = ContinuousClock.now
        while true {
            do throws(StoreError) { return try await body() } catch {
                guard isUnavailable(error), started.duration(to: .now) < .seconds(30) else { throw error }
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Until the store answers again.
    func recovers(_ store: LibPQStore? = nil) async throws -> Bool {
        let store = store ?? self.store
        return try await waits(
            until: { await Self.failure { () throws(StoreError) in try await store.ping() } == nil },
            within: .seconds(30))
    }
}
