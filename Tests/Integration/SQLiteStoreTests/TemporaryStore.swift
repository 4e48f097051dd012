import Foundation
import GRDB
import InterviewCore
import Logging
import Ports
import SQLiteStore
import Testing

/// A folder of its own for each test, gone with the test.
final class TemporaryStore: Sendable {
    let folder: String
    var path: String { "\(folder)/voiced.sqlite" }

    init() throws {
        let path = try GRDBStore.Options.temporary().path
        folder = (URL(filePath: path).deletingLastPathComponent().path)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func open(
        busyTimeout: Duration = .seconds(5), maxBytes: Int64? = nil, commits: CommitLimits = CommitLimits(),
        leaseTimes: LeaseTimes = .standard
    ) async throws -> GRDBStore {
        try await GRDBStore.open(
            GRDBStore.Options(
                path: path, busyTimeout: busyTimeout, maxBytes: maxBytes, commits: commits, leaseTimes: leaseTimes),
            logger: Logger(label: "test"))
    }

    /// A connection of a stranger: another process, or an operator's shell.
    func stranger() throws -> DatabaseQueue { try DatabaseQueue(path: path) }

    /// What the disk holds at this instant, as after kill -9: the file and its log, without the shared memory that
    /// dies with the processes.
    func copyAsAfterKill() throws -> TemporaryStore {
        let copy = try TemporaryStore()
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy.path + suffix)
        }
        return copy
    }
}

/// A session in hand, and its records.
struct Conversation: Sendable {
    let id: SessionID
    let holder: Ownership

    static let owner = InstanceID("owner-1")

    static func begin(_ name: String = "s", in store: GRDBStore) async throws -> Conversation {
        let study = Study(
            id: try #require(StudyID("study")), name: "n", language: "en", instructions: "i", greeting: "g")
        try await store.save(study)
        let id = try #require(SessionID(name))
        let record = try await store.create(
            NewSession(id: id, study: study.id, participant: "p", expiresIn: .seconds(60)))
        _ = try await store.register(
            NewInstance(id: owner, build: "b", mediaAddress: "127.0.0.1:9", mediaURL: nil, capacity: 1_000))
        let claim = try await store.claim(id, expecting: record.ownership, by: owner, client: "page")
        guard case .claimed(let claimed) = claim else { throw StoreError.fenced }
        return Conversation(id: id, holder: claimed.ownership)
    }

    func turn(_ sequence: Int64, _ text: String = "hello") -> JournalRecord {
        JournalRecord(
            session: id, epoch: holder.epoch, sequence: sequence,
            entry: .turn(
                Turn(speaker: .agent, item: "i\(sequence)", text: text, startMilliseconds: 0, endMilliseconds: 1)))
    }
}
