import Foundation
import GRDB
import InterviewCore
import Ports
import SQLiteStore
import Testing

@Suite("Durability of the SQLite store")
struct SQLiteDurabilityTests {
    @Test("what an append has confirmed is on the disk although nothing was closed")
    func survivesKill() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        for sequence in 0..<50 {
            try await store.append([conversation.turn(Int64(sequence))], as: conversation.holder)
        }
        let killed = try temporary.copyAsAfterKill()
        let journal = try await store.journal(of: conversation.id)
        await store.close()

        let again = try await killed.open()
        #expect(try await again.journal(of: conversation.id) == journal)
        #expect(journal.count == 50)
        #expect(try await again.session(conversation.id)?.ownership == conversation.holder)
        await again.close()
    }

    @Test("a log that breaks off in mid-write loses the last call whole, and nothing before it")
    func tornLog() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        try await store.append([conversation.turn(0), conversation.turn(1)], as: conversation.holder)
        let whole = try FileManager.default.attributesOfItem(atPath: temporary.path + "-wal")[.size] as? NSNumber
        try await store.append(
            (2..<6).map { conversation.turn($0, String(repeating: "long ", count: 2_000)) }, as: conversation.holder)
        let killed = try temporary.copyAsAfterKill()
        await store.close()

        let size = try #require(whole).uint64Value
        let log = try FileHandle(forUpdating: URL(filePath: killed.path + "-wal"))
        #expect(try log.seekToEnd() > size + 9_000)
        try log.truncate(atOffset: size + 9_000)
        try log.close()
        let again = try await killed.open()
        #expect(try await again.journal(of: conversation.id).map(\.sequence) == [0, 1])
        try await again.append([conversation.turn(2)], as: conversation.holder)
        #expect(try await again.journal(of: conversation.id).map(\.sequence) == [0, 1, 2])
        await again.close()
    }

    @Test("an end, its journal record and its job are written together")
    func outbox() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        #expect(try await store.outbox() == [])
        let end = SessionChange.ended(
            EndEntry(reason: .completed), sequence: 0, activeMilliseconds: 1, costMicros: 0)
        try await store.update(conversation.id, as: conversation.holder, end)
        try await store.update(conversation.id, as: conversation.holder, end)
        #expect(try await store.outbox() == [OutboxRow(session: "s", epoch: 1, kind: "ended")])
        await store.close()
    }

    @Test("counters tell fenced records, conflicts, repeated responses and differing costs")
    func counters() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        func usage(_ sequence: Int64) -> JournalRecord {
            JournalRecord(
                session: conversation.id, epoch: 1, sequence: sequence,
                entry: .usage(
                    UsageEntry(
                        provider: "openai", model: "m", response: "r", usage: Usage(), micros: 5, estimated: true)))
        }
        try await store.append([usage(0), usage(1)], as: conversation.holder)
        try await store.append([usage(0)], as: conversation.holder)
        await #expect(throws: StoreError.conflict) {
            try await store.append([conversation.turn(0)], as: conversation.holder)
        }
        await #expect(throws: StoreError.fenced) {
            try await store.append(
                [conversation.turn(2), conversation.turn(3)], as: Ownership(owner: InstanceID("x"), epoch: 1))
        }
        try await store.update(
            conversation.id, as: conversation.holder,
            .released(rejoinWindow: .seconds(1), activeMilliseconds: 1, costMicros: 6))
        let statistics = store.statistics
        try await store.appendLate([usage(1), usage(7), usage(7)], as: conversation.holder)
        let late = store.statistics
        #expect(late.lateRecords == 1)
        #expect(late.lateRecordsKnown == 2)
        #expect(late.repeatedResponses == 2)
        #expect(statistics.records == 2)
        #expect(statistics.repeatedResponses == 1)
        #expect(statistics.conflicts == 1)
        #expect(statistics.fencedRecords == 2)
        #expect(statistics.costDifferences == 1)
        #expect(statistics.failedCommits == 0)
        await store.close()
    }
}
