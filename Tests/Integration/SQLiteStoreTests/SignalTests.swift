import GRDB
import InterviewCore
import Ports
import SQLiteStore
import Testing

@Suite("Signals of the SQLite store")
struct SignalTests {
    @Test("one hears what concerns it, and not what others write")
    func own() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let other = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        var signals = store.signals(for: Conversation.owner).makeAsyncIterator()
        for round in 1...3 {
            for sequence in 0..<5 {
                try await other.append(
                    [conversation.turn(Int64(round * 10 + sequence))], as: conversation.holder)
            }
            _ = try await other.requestClose(conversation.id, detail: nil)
            await signals.next()
            #expect(try await store.instances().map(\.changed) == [Int64(round)])
        }
        await store.close()
        #expect(await signals.next() == nil)
        await other.close()
    }

    @Test("who listens after the fact hears it all the same")
    func afterwards() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        _ = try await store.requestClose(conversation.id, detail: nil)
        var signals = store.signals(for: Conversation.owner).makeAsyncIterator()
        await signals.next()
        await store.close()
    }

    @Test("a listener that goes leaves the others listening, and its place can be taken again")
    func goes() async throws {
        let temporary = try TemporaryStore()
        let store = try await temporary.open()
        let conversation = try await Conversation.begin(in: store)
        for _ in 0..<3 {
            let gone = Task {
                for await _ in store.signals(for: InstanceID("gone")) {}
            }
            var stays = store.signals(for: Conversation.owner).makeAsyncIterator()
            gone.cancel()
            await gone.value
            _ = try await store.requestClose(conversation.id, detail: nil)
            await stays.next()
        }
        await store.close()
    }
}
