import Foundation
import GRDB
import InterviewCore
import Ports
import SQLiteStore
import Testing

@Suite("The SQLite store in trouble")
struct SQLiteTroubleTests {
    @Test("a full disk is said to be full, what was written before stays readable, and room heals it")
    func diskFull() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open(maxBytes: 400_000)
        let conversation = try await Conversation.begin(in: store)
        let text = String(repeating: "word ", count: 2_000)
        var written: Int64 = 0
        var failure: StoreError?
        while failure == nil, written < 200 {
            do throws(StoreError) {
                try await store.append([conversation.turn(written, text)], as: conversation.holder)
                written += 1
            } catch {
                failure = error
            }
        }
        #expect(failure == .unavailable(code: "SQLITE_FULL"))
        #expect(written > 10)
        await #expect(throws: StoreError.unavailable(code: "SQLITE_FULL")) { try await store.ping() }
        #expect(try await store.journal(of: conversation.id).count == Int(written))
        #expect(store.statistics.failedCommits >= 2)
        await store.close()

        let roomier = try await temporary.open()
        try await roomier.append([conversation.turn(written, text)], as: conversation.holder)
        try await roomier.ping()
        #expect(try await roomier.journal(of: conversation.id).count == Int(written) + 1)
        await roomier.close()
    }

    @Test("everybody in a batch that meets a full disk is told so, and nobody is half written")
    func fullBatch() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open(maxBytes: 600_000)
        var conversations: [Conversation] = []
        for number in 0..<40 { conversations.append(try await Conversation.begin("s\(number)", in: store)) }
        let text = String(repeating: "word ", count: 1_500)
        let answers = await withTaskGroup(of: (SessionID, StoreError?).self) { group in
            for conversation in conversations {
                group.addTask {
                    do throws(StoreError) {
                        try await store.append(
                            (0..<6).map { conversation.turn($0, text) }, as: conversation.holder)
                        return (conversation.id, nil)
                    } catch {
                        return (conversation.id, error)
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = .some($1.1) }
        }
        #expect(answers.values.contains(.unavailable(code: "SQLITE_FULL")))
        for (id, answer) in answers {
            let count = try await store.journal(of: id).count
            #expect(count == (answer == nil ? 6 : 0))
        }
        await store.close()
    }

    @Test("a file that another process holds is busy after the timeout, and free again afterwards")
    func locked() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open(busyTimeout: .milliseconds(30))
        let conversation = try await Conversation.begin(in: store)
        let holder = try LockHolder(temporary.stranger())
        await #expect(throws: StoreError.unavailable(code: "SQLITE_BUSY")) {
            try await store.append([conversation.turn(0)], as: conversation.holder)
        }
        await #expect(throws: StoreError.unavailable(code: "SQLITE_BUSY")) { try await store.ping() }
        // Reading goes on: the log keeps readers and writers apart.
        #expect(try await store.session(conversation.id)?.state == .active)
        try holder.release()
        try await store.append([conversation.turn(0)], as: conversation.holder)
        try await store.ping()
        await store.close()
    }

    @Test("calls that wait for a locked file hold no thread of the pool, and are written when it is free")
    func waitingBlocksNobody() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open(busyTimeout: .seconds(60))
        var conversations: [Conversation] = []
        for number in 0..<64 { conversations.append(try await Conversation.begin("s\(number)", in: store)) }
        let holder = try LockHolder(temporary.stranger())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for conversation in conversations {
                group.addTask { try await store.append([conversation.turn(0)], as: conversation.holder) }
            }
            // Far more tasks than threads, each of which needs the pool: they come to their end while all the
            // appends wait. If an append blocked its thread, this would hang until the lock is released, which it
            // only is afterwards.
            await withTaskGroup(of: Int.self) { others in
                for number in 0..<200 {
                    others.addTask {
                        await Task.yield()
                        return number
                    }
                }
                #expect(await others.reduce(0, +) == 19_900)
            }
            try holder.release()
            try await group.waitForAll()
        }
        for conversation in conversations { #expect(try await store.journal(of: conversation.id).count == 1) }
        await store.close()
    }

    @Test("a cancelled task still gets its row written")
    func cancelled() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await store.append([conversation.turn(0)], as: conversation.holder)
            return try await store.journal(of: conversation.id).count
        }
        #expect(try await task.value == 1)
        await store.close()
    }

    @Test("a queue that is full refuses, and what it has taken is written")
    func fullQueue() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open(
            busyTimeout: .seconds(60), commits: CommitLimits(operationsPerCommit: 1, waitingOperations: 4))
        let conversation = try await Conversation.begin(in: store)
        let holder = try LockHolder(temporary.stranger())
        let outcomes = try await withThrowingTaskGroup(of: StoreError?.self) { group in
            for sequence in 0..<40 {
                group.addTask {
                    do throws(StoreError) {
                        try await store.append([conversation.turn(Int64(sequence))], as: conversation.holder)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var outcomes: [StoreError?] = []
            while let outcome = try await group.next() {
                outcomes.append(outcome)
                // The refused come back at once, the four that were taken only when the file is free.
                if outcomes.count == 36 { try holder.release() }
            }
            return outcomes
        }
        #expect(outcomes.prefix(36).allSatisfy { $0 == .unavailable(code: "queue_full") })
        // The call before these may hold its place a moment longer than its answer takes: then three are taken.
        let taken = outcomes.count { $0 == nil }
        #expect((3...4).contains(taken))
        #expect(outcomes.allSatisfy { $0 == nil || $0 == .unavailable(code: "queue_full") })
        #expect(try await store.journal(of: conversation.id).count == taken)
        await store.close()
    }

    @Test("closing writes what has been taken, and refuses what comes later")
    func closing() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for sequence in 0..<100 {
                group.addTask {
                    (try? await store.append([conversation.turn(Int64(sequence))], as: conversation.holder)) != nil
                }
            }
            group.addTask {
                await store.close()
                return false
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        await #expect(throws: StoreError.unavailable(code: "closed")) { try await store.ping() }
        await #expect(throws: StoreError.unavailable(code: "closed")) { _ = try await store.studies() }
        let again = try await temporary.open()
        #expect(try await again.journal(of: conversation.id).count == outcomes)
        await again.close()
    }

    @Test("rows that cannot be read are corrupt, with the column's name and none of its content")
    func unreadable() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        try await store.append([conversation.turn(0)], as: conversation.holder)
        try await temporary.stranger().write { try $0.execute(sql: "UPDATE journal SET body = '{\"secret\":'") }
        await #expect(throws: StoreError.corrupt(code: "journal.turn")) {
            _ = try await store.journal(of: conversation.id)
        }
        try await temporary.stranger().write { try $0.execute(sql: "UPDATE sessions SET state = 'dreaming'") }
        await #expect(throws: StoreError.corrupt(code: "sessions.state")) {
            _ = try await store.session(conversation.id)
        }
        await store.close()
    }

    @Test("a damaged file is corrupt")
    func damaged() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        for sequence in 0..<200 {
            try await store.append(
                [conversation.turn(Int64(sequence), String(repeating: "x", count: 1_000))], as: conversation.holder)
        }
        await store.close()
        let file = try FileHandle(forUpdating: URL(filePath: temporary.path))
        let size = try file.seekToEnd()
        for page in stride(from: UInt64(4_096 * 16), to: size, by: 4_096) {
            try file.seek(toOffset: page)
            try file.write(contentsOf: Data(repeating: 0xFF, count: 512))
        }
        try file.close()
        let again = try await temporary.open()
        await #expect(throws: StoreError.corrupt(code: "SQLITE_CORRUPT")) {
            _ = try await again.journal(of: conversation.id)
        }
        await again.close()
    }

    @Test("a crowd shares commits")
    func groups() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open(busyTimeout: .seconds(60))
        var conversations: [Conversation] = []
        for number in 0..<50 { conversations.append(try await Conversation.begin("s\(number)", in: store)) }
        let before = store.statistics.commits
        let holder = try LockHolder(temporary.stranger())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for conversation in conversations {
                group.addTask { try await store.append([conversation.turn(0)], as: conversation.holder) }
            }
            // Nobody is answered while the file is locked, so this comes true.
            while store.unansweredCalls < 50 { await Task.yield() }
            try holder.release()
            try await group.waitForAll()
        }
        #expect(store.statistics.commits - before <= 2)
        await store.close()
    }
}

/// Holds the file's write lock until it is told to let go.
final class LockHolder: Sendable {
    private let database: DatabaseQueue

    init(_ database: DatabaseQueue) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .timeout(30)
        self.database = try DatabaseQueue(path: database.path, configuration: configuration)
        try self.database.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
    }

    func release() throws {
        try database.inDatabase { try $0.execute(sql: "COMMIT") }
        try database.close()
    }
}
