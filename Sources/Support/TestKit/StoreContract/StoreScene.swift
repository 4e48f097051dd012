import InterviewCore
import Ports

/// One case's store, with the words that the cases have in common.
package struct StoreScene: Sendable {
    let fixture: any StoreFixture
    let store: any Store

    static let study = "study-1"
    static let hour = Duration.seconds(3_600)

    /// Another process on the same data, or this one after a restart.
    func openAgain() async throws -> any Store { try await fixture.open() }

    func id(_ text: String) throws -> SessionID { try require(SessionID(text)) }
    func studyID(_ text: String = study) throws -> StudyID { try require(StudyID(text)) }

    @discardableResult
    func saveStudy(_ id: String = study, rejoinSeconds: Int? = nil) async throws -> Study {
        let study = Study(
            id: try studyID(id), name: "Züge & Bahnhöfe", language: "pt-BR", instructions: "Ask.\nListen. \"Quote\"",
            greeting: "", voice: "ash", limits: SessionLimits(idleSeconds: 90, rejoinSeconds: rejoinSeconds))
        try await store.save(study)
        return study
    }

    /// A scheduled session of `study`, which is made when it is missing.
    func schedule(
        _ name: String, study: String = study, expiresIn: Duration = hour
    ) async throws -> SessionRecord {
        if try await store.study(studyID(study)) == nil { try await saveStudy(study) }
        return try await store.create(
            NewSession(id: id(name), study: studyID(study), participant: "p-\(name)", expiresIn: expiresIn))
    }

    /// A session held by `owner`.
    func hold(_ name: String, owner: String = "owner-1", study: String = study) async throws -> Held {
        let record = try await schedule(name, study: study)
        return try await claim(record, owner: owner)
    }

    func claim(_ record: SessionRecord, owner: String, client: String = "page-1") async throws -> Held {
        let claim = try await store.claim(
            record.id, expecting: record.ownership, by: InstanceID(owner), client: client)
        guard case .claimed(let taken) = claim else { throw ContractViolation(description: "claim lost: \(claim)") }
        return Held(id: taken.id, ownership: taken.ownership)
    }

    func row(_ id: SessionID) async throws -> SessionRecord { try require(try await store.session(id)) }

    struct Held: Sendable {
        var id: SessionID
        var ownership: Ownership

        func record(_ sequence: Int64, _ entry: JournalEntry) -> JournalRecord {
            JournalRecord(session: id, epoch: ownership.epoch, sequence: sequence, entry: entry)
        }
        func turn(_ sequence: Int64, _ text: String? = "hello") -> JournalRecord {
            record(
                sequence,
                .turn(
                    Turn(
                        speaker: .participant, item: "item-\(sequence)", text: text, startMilliseconds: 100 * sequence,
                        endMilliseconds: 100 * sequence + 50, captureStart: 4_294_967_295, captureEnd: 7,
                        client: "page-1")))
        }
        func usage(_ sequence: Int64, response: String, micros: Int64) -> JournalRecord {
            record(
                sequence,
                .usage(
                    UsageEntry(
                        provider: "openai", model: "gpt-realtime", response: response,
                        usage: Usage(textIn: 10, audioIn: 20, audioOut: 30), micros: micros, estimated: false)))
        }
    }
}

extension [JournalRecord] {
    /// Without the time, which is the store's.
    var untimed: [JournalRecord] {
        map { record in
            var record = record
            record.at = StoreTime(milliseconds: 0)
            return record
        }
    }
}
