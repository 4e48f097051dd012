import InterviewCore
import Ports

/// One case's store, with the words that the cases have in common.
package struct StoreScene: Sendable {
    let fixture: any StoreFixture
    let store: any Store

    static let study = "study-1"
    static let hour = Duration.seconds(3_600)

    /// Another process on the same data, or this one after a restart.
    func openAgain(_ times: LeaseTimes = StoreContract.times) async throws -> any Store {
        try await fixture.open(times)
    }

    /// As many processes on the same data; each closes what it was given.
    func withProcesses<Value>(_ count: Int, _ body: ([any Store]) async throws -> Value) async throws -> Value {
        var stores: [any Store] = []
        for _ in 0..<count { stores.append(try await openAgain()) }
        let value = try await body(stores)
        for store in stores { await store.close() }
        return value
    }

    /// The same words, spoken by another process.
    func on(_ store: any Store) -> StoreScene { StoreScene(fixture: fixture, store: store) }

    func id(_ text: String) throws -> SessionID { try require(SessionID(text)) }
    func studyID(_ text: String = study) throws -> StudyID { try require(StudyID(text)) }

    @discardableResult
    func saveStudy(
        _ id: String = study, rejoinSeconds: Int? = nil, hardLimitSeconds: Int? = nil, cap: Int64? = nil
    ) async throws -> Study {
        let study = Study(
            id: try studyID(id), name: "Züge & Bahnhöfe", language: "pt-BR", instructions: "Ask.\nListen. \"Quote\"",
            greeting: "", voice: "ash",
            limits: SessionLimits(
                idleSeconds: 90, hardLimitSeconds: hardLimitSeconds, rejoinSeconds: rejoinSeconds),
            budgetMicros: cap)
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

    // MARK: Processes

    /// Makes these processes known, their leases running from now.
    func live(_ names: String...) async throws { for name in names { try await live(name, on: store) } }

    func live(_ name: String, on store: any Store) async throws {
        _ = try await store.register(instance(name))
    }

    func instance(_ name: String) -> NewInstance {
        NewInstance(id: InstanceID(name), build: "b1", mediaAddress: "127.0.0.1:9", mediaURL: nil, capacity: 10)
    }

    /// From now on its lease is past.
    func die(_ name: String) async throws { try await store.retire(InstanceID(name)) }

    func record(of name: String) async throws -> InstanceRecord {
        try require(try await store.instances().first { $0.id.text == name })
    }

    func changed(_ name: String) async throws -> Int64 { try await record(of: name).changed }

    static func sweep(
        by name: String = "reaper", limit: Int = 100, rejoin: Duration = .seconds(120),
        hardLimit: Duration = .seconds(2_700), zombieAfter: Duration = .seconds(420)
    ) -> Sweep {
        Sweep(
            by: InstanceID(name), limit: limit, defaultRejoin: rejoin, defaultHardLimit: hardLimit,
            zombieAfter: zombieAfter)
    }

    /// One sweep by a living process of its own, which owns nothing.
    func reap(_ sweep: Sweep = StoreScene.sweep()) async throws -> [Reaped] {
        try await live(sweep.by.text)
        return try await store.reap(sweep)
    }

    /// Whoever has been active for a millisecond is one.
    static let zombies = sweep(hardLimit: .zero, zombieAfter: .zero)

    /// Sweeps until something is found, ten seconds at most: for what takes a while by the store's clock.
    func reapSomething(_ sweep: Sweep = StoreScene.sweep()) async throws -> [Reaped] {
        let started = ContinuousClock.now
        while started.duration(to: .now) < .seconds(10) {
            let reaped = try await reap(sweep)
            guard reaped.isEmpty else { return reaped }
            try await Task.sleep(for: .milliseconds(2))
        }
        return []
    }

    func outbox() async throws -> [OutboxEntry] { try await fixture.outbox().sorted() }

    // MARK: Sessions in hand

    /// A session held by `owner`.
    func hold(_ name: String, owner: String = "owner-1", study: String = study) async throws -> Held {
        let record = try await schedule(name, study: study)
        return try await claim(record, owner: owner)
    }

    /// The owner lives, from now on if it did not before.
    func claim(_ record: SessionRecord, owner: String, client: String = "page-1") async throws -> Held {
        try await live(owner)
        let claim = try await store.claim(
            record.id, expecting: record.ownership, by: InstanceID(owner), client: client)
        guard case .claimed(let taken) = claim else { throw ContractViolation(description: "claim lost: \(claim)") }
        return Held(id: taken.id, ownership: taken.ownership)
    }

    func row(_ id: SessionID) async throws -> SessionRecord { try require(try await store.session(id)) }

    /// Given up with a window that has passed already.
    func release(_ held: Held, window: Duration = .zero) async throws {
        try await store.update(
            held.id, as: held.ownership, .released(rejoinWindow: window, activeMilliseconds: 1, costMicros: 0))
    }

    func end(_ held: Held, _ reason: CompletionReason = .completed, sequence: Int64 = 0) async throws {
        try await store.update(
            held.id, as: held.ownership,
            .ended(EndEntry(reason: reason), sequence: sequence, activeMilliseconds: 1, costMicros: 0))
    }

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
