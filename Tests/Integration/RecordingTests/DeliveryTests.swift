import Foundation
import InterviewCore
import LocalDisk
import Logging
import OggRecorder
import Ports
import Synchronization
import Testing
import WireFormats

/// An object store that fails as told, and notes what it is given.
private final class FailingStore: ObjectStore {
    struct State {
        var failures: [ObjectStoreError] = []
        var alwaysFails = false
        var keys: [String] = []
        var tries = 0
    }
    let state = Mutex(State())

    init(_ failures: [ObjectStoreError] = [], always: Bool = false) {
        state.withLock {
            $0.failures = failures
            $0.alwaysFails = always
        }
    }
    var keys: [String] { state.withLock { $0.keys } }
    var tries: Int { state.withLock { $0.tries } }

    func put(file: String, as key: ObjectKey) async throws(ObjectStoreError) {
        let error: ObjectStoreError? = state.withLock { state in
            state.tries += 1
            if state.alwaysFails { return .unavailable(code: "away") }
            if !state.failures.isEmpty { return state.failures.removeFirst() }
            state.keys.append(key.text)
            return nil
        }
        if let error { throw error }
    }
}

@Suite("PartDelivery")
struct DeliveryTests {
    private static let quick = DeliveryLimits(
        firstPause: .milliseconds(1), longestPause: .milliseconds(2), patience: .seconds(60))

    private func record(_ maker: OggRecorderFactory, seconds: Int64, session: String = "call") async {
        let recorder = maker.open(session: session, epoch: 1, startingAt: 0)
        for second in 0..<seconds {
            for frame in 0..<Int64(50) { recorder.agent(OpusPacket.silence, at: second * 48_000 + frame * 960) }
        }
        await recorder.finish(at: seconds * 48_000)
    }

    @Test("closed parts are in the object folder and no longer in the recordings folder")
    func delivers() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let maker = OggRecorderFactory(
            settings: RecorderSettings(folder: folder.path + "/recordings"),
            objects: FolderObjectStore(folder: folder.path + "/objects"))
        await record(maker, seconds: 130)
        await maker.deliver(within: .seconds(60))
        #expect(maker.waitingParts == 0)
        #expect(
            folder.files("objects/recordings/call").map { String($0.suffix(17)) }
                == (0..<3).map {
                    "000001-00000\($0).ogg"
                })
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/recordings").isEmpty)
        #expect(folder.files("objects/recordings/call").allSatisfy { folder.mode($0) == 0o600 })
    }

    @Test("a part goes as soon as it is closed, while the conversation goes on")
    func atOnce() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let objects = FailingStore()
        let maker = OggRecorderFactory(settings: RecorderSettings(folder: folder.path), objects: objects)
        let recorder = try #require(maker.open(session: "call", epoch: 1, startingAt: 0) as? OggPartRecorder)
        for frame in 0..<Int64(61 * 50) {
            recorder.agent(OpusPacket.silence, at: frame * 960)
            recorder.participant(OpusPacket.silence, at: frame * 960)
        }
        await recorder.settle()
        await maker.deliver(within: .seconds(60))
        #expect(objects.keys == ["recordings/call/000001-000000.ogg"])
        await recorder.finish(at: 61 * 48_000)
        await maker.deliver(within: .seconds(60))
        #expect(objects.keys.count == 2)
    }

    @Test("a store that is away is asked again, in order, and nothing is lost")
    func retries() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let objects = FailingStore(Array(repeating: .unavailable(code: "away"), count: 5))
        let maker = OggRecorderFactory(
            settings: RecorderSettings(folder: folder.path), objects: objects, delivery: Self.quick)
        await record(maker, seconds: 130)
        // A pause that is cut short by `deliver` may leave others to be waited out.
        for _ in 0..<20 where maker.waitingParts > 0 { await maker.deliver(within: .seconds(10)) }
        #expect(objects.keys == (0..<3).map { "recordings/call/000001-00000\($0).ogg" })
        #expect(objects.tries == 8)
        #expect(maker.waitingParts == 0)
    }

    @Test("what a store never takes stays on the disk, counted, and the next start delivers it")
    func nextStart() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let away = FailingStore(always: true)
        let maker = OggRecorderFactory(
            settings: RecorderSettings(folder: folder.path), objects: away,
            delivery: DeliveryLimits(firstPause: .milliseconds(1), longestPause: .milliseconds(1), patience: .zero))
        await record(maker, seconds: 70)
        await maker.deliver(within: .seconds(60))
        #expect(maker.waitingParts == 2)
        #expect(folder.files("call").count == 2)
        let objects = FailingStore()
        let next = OggRecorderFactory(settings: RecorderSettings(folder: folder.path), objects: objects)
        await next.deliver(within: .seconds(60))
        #expect(objects.keys.count == 2)
        #expect(next.waitingParts == 0)
    }

    @Test("what a dead process left of one session goes when another takes it over, once, and nothing of others")
    func takesOver() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let settings = RecorderSettings(folder: folder.path + "/recordings")
        let store = FailingStore()
        let successor = OggRecorderFactory(settings: settings, objects: store)
        let dead = OggRecorderFactory(settings: settings)
        await record(dead, seconds: 70)
        await record(dead, seconds: 5, session: "other")
        for _ in 0..<3 { successor.collectLeftBehind(of: "call") }
        while store.keys.count < 2 { await Task.yield() }
        await successor.deliver(within: .seconds(60))
        #expect(store.keys.map { String($0.suffix(22)) } == ["call/000001-000000.ogg", "call/000001-000001.ogg"])
        #expect(successor.waitingParts == 0)
    }

    @Test("a part that somebody still writes is not taken for left behind")
    func inUse() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let writer = OggRecorderFactory(settings: RecorderSettings(folder: folder.path))
        let recorder = try #require(writer.open(session: "call", epoch: 1, startingAt: 0) as? OggPartRecorder)
        recorder.agent(OpusPacket.silence, at: 0)
        await recorder.settle()
        let objects = FailingStore()
        let other = OggRecorderFactory(settings: RecorderSettings(folder: folder.path), objects: objects)
        await other.deliver(within: .seconds(60))
        #expect(objects.keys == [])
        await recorder.finish(at: 960)
        let third = OggRecorderFactory(settings: RecorderSettings(folder: folder.path), objects: objects)
        await third.deliver(within: .seconds(60))
        #expect(objects.keys.count == 1)
    }

    @Test("pauses double up to the longest")
    func pauses() {
        let limits = DeliveryLimits()
        #expect((1...8).map { limits.pause(after: $0) } == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
        #expect(limits.pause(after: .max) == .seconds(60))
    }
}

@Suite("FolderObjectStore")
struct FolderObjectStoreTests {
    @Test("the same bytes again are no error, others are a conflict and change nothing")
    func conflict() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let store = FolderObjectStore(folder: folder.path + "/deep/objects")
        let key = try #require(ObjectKey("a/b.ogg"))
        for (name, text) in [("one", "sound"), ("two", "sound"), ("three", "other")] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder.path)/\(name)"))
        }
        try await store.put(file: folder.path + "/one", as: key)
        try await store.put(file: folder.path + "/one", as: key)
        try await store.put(file: folder.path + "/two", as: key)
        await #expect(throws: ObjectStoreError.conflict) { try await store.put(file: folder.path + "/three", as: key) }
        #expect(folder.bytes(folder.path + "/deep/objects/a/b.ogg") == Array("sound".utf8))
        await #expect(throws: ObjectStoreError.unreadable(code: "ENOENT")) {
            try await store.put(file: folder.path + "/four", as: key)
        }
    }

    @Test("a file of another file system is copied, whole and without remains", .enabled(if: FullDisk.isPossible))
    func otherDisk() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let disk = folder.path + "/disk"
        try FullDisk.mount(disk)
        defer { FullDisk.unmount(disk) }
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        try Data(bytes).write(to: URL(fileURLWithPath: folder.path + "/file"))
        let store = FolderObjectStore(folder: disk)
        try await store.put(file: folder.path + "/file", as: try #require(ObjectKey("x/file")))
        try await store.put(file: folder.path + "/file", as: try #require(ObjectKey("x/file")))
        #expect(folder.bytes(disk + "/x/file") == bytes)
        // No room for a second one (256 KiB in all): no half object.
        await #expect(throws: ObjectStoreError.unavailable(code: "ENOSPC")) {
            try await store.put(file: folder.path + "/file", as: try #require(ObjectKey("x/again")))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk + "/x") == ["file"])
    }

    @Test(
        "a key never leaves the folder",
        arguments: ["", "/a", "a/", "a//b", "..", "a/../b", ".a", "a b", "a\0", "ä", "1/2/3/4/5/6/7/8/9"])
    func keys(text: String) { #expect(ObjectKey(text) == nil) }
}
