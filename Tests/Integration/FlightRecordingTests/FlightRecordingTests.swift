import FlightRecording
import Foundation
import InterviewCore
import Ports
import Testing

/// Processes that die, and what the next one reads.
@Suite(.timeLimit(.minutes(2)))
struct FlightRecordingTests {
    /// Built beside the tests.
    private static let victim = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent(".build/release/flight-victim")

    private let folder = FileManager.default.temporaryDirectory.path + "/flight-\(UUID().uuidString)"

    private func withFolder(_ body: () throws -> Void) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body()
    }

    private var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

    /// Starts a victim that dies its own way; with `meanwhile` it is ready, does so and is killed. Its signal.
    @discardableResult
    private func die(_ way: String, meanwhile: (() throws -> Void)? = nil) throws -> Int32 {
        let process = Process()
        process.executableURL = Self.victim
        process.arguments = [folder, way]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        if let meanwhile {
            _ = output.fileHandleForReading.availableData
            defer { kill(process.processIdentifier, SIGKILL) }
            try meanwhile()
        }
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal ? process.terminationStatus : 0
    }

    private static let deaths: [(way: String, signals: Set<Int32>, step: FlightStep)] = [
        ("trap", [SIGILL, SIGTRAP], .participant), ("nested", [SIGILL, SIGTRAP], .tick), ("abort", [SIGABRT], .timer),
        ("null", [SIGSEGV], .mailbox), ("overflow", [SIGSEGV], .tick),
    ]

    @Test("the session in hand on the loop that died is named, and its step", arguments: deaths)
    func suspect(way: String, signals: Set<Int32>, step: FlightStep) throws {
        try withFolder {
            // As it would have died anyway.
            let signal = try die(way)
            #expect(signals.contains(signal))
            let found = DeadFlight.all(in: folder)
            let poison = try #require(SessionID("poison-1"))
            #expect(
                found.map(\.suspect) == [
                    FlightSuspect(session: poison, step: step, instance: InstanceID("victim"))
                ])
            found.first?.remove()
            #expect(files.isEmpty)
            #expect(DeadFlight.all(in: folder).isEmpty)
        }
    }

    @Test(
        "a loop that had nothing in hand, another thread's trap and an ordered end name nobody, and leave nothing",
        arguments: [
            ("after", [SIGILL, SIGTRAP]), ("forgotten", [SIGILL, SIGTRAP]), ("elsewhere", [SIGILL, SIGTRAP]),
            ("exit", [0]), ("close", [0]),
        ] as [(String, Set<Int32>)])
    func nobody(way: String, signals: Set<Int32>) throws {
        try withFolder {
            let signal = try die(way)
            #expect(signals.contains(signal))
            #expect(DeadFlight.all(in: folder).isEmpty)
            #expect(files.isEmpty)
        }
    }

    @Test("kill -9 with sessions in hand names nobody; while a process lives its record is its own")
    func killed() throws {
        try withFolder {
            let signal = try die("wait") {
                #expect(DeadFlight.all(in: folder).isEmpty)
                #expect(files == ["flight-victim.record"])
            }
            #expect(signal == SIGKILL)
            #expect(DeadFlight.all(in: folder).isEmpty)
            #expect(files.isEmpty)
        }
    }

    @Test("a record is read by one process at a time, and again until it is removed")
    func once() throws {
        try withFolder {
            try die("trap")
            var first = DeadFlight.all(in: folder)
            #expect(first.count == 1)
            withExtendedLifetime(first) { #expect(DeadFlight.all(in: folder).isEmpty) }
            first = []
            let again = DeadFlight.all(in: folder)
            #expect(again.count == 1)
            again.first?.remove()
            #expect(files.isEmpty)
        }
    }

    @Test("files that are none of ours in content are removed, whatever they hold; others stay")
    func nonsense() throws {
        try withFolder {
            try die("trap")
            let path = folder + "/flight-victim.record"
            let whole = try Data(contentsOf: URL(filePath: path))
            var random = SystemRandomNumberGenerator()
            try Data("x".utf8).write(to: URL(filePath: folder + "/voiced.db"))
            var named = 0
            for round in 0..<300 {
                var bytes = whole
                if round % 3 == 0 { bytes = bytes.prefix(Int.random(in: 0...whole.count, using: &random)) }
                for _ in 0..<(bytes.isEmpty ? 0 : 3) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                try bytes.write(to: URL(filePath: path))
                for record in DeadFlight.all(in: folder) {
                    named += 1
                    record.remove()
                }
                #expect(files == ["voiced.db"])
            }
            #expect(named > 0)
        }
    }

    @Test("more sessions than places go unrecorded; a place is given to the next when its session has left")
    func places() throws {
        try withFolder {
            let recorder = try MappedFlightRecorder(
                folder: folder, instance: InstanceID("me"), loops: 1, places: 1)
            defer { recorder.close() }
            let id = try #require(SessionID(String(repeating: "x", count: 64)))
            let first = recorder.seated(id, onLoop: 0)
            let second = recorder.seated(id, onLoop: 0)
            let before = first.enter(.tick)
            #expect(before == .empty)
            #expect(second.enter(.tick) == .empty)
            let held = first.enter(.provider)
            #expect(held != .empty)
            first.leave(held)
            first.leave(before)
            #expect(first.enter(.tick) == .empty)
            first.leave(.empty)
            first.left()
            first.left()
            let third = recorder.seated(id, onLoop: 0)
            let mark = third.enter(.tick)
            #expect(third.enter(.tick) != mark)
            let late = first.enter(.tick)
            #expect(late != .empty)
            #expect(third.enter(.tick) == .empty, "a session that is over names nobody")
            #expect(recorder.seated(id, onLoop: 7).enter(.tick) == .empty)
        }
    }

    @Test("two recorders in one process are refused, and a folder that is none")
    func refused() throws {
        try withFolder {
            let recorder = try MappedFlightRecorder(folder: folder, instance: InstanceID("a"), loops: 1, places: 1)
            #expect(throws: FlightError.file(operation: "sigaction", code: EBUSY)) {
                _ = try MappedFlightRecorder(folder: folder, instance: InstanceID("b"), loops: 1, places: 1)
            }
            recorder.close()
            #expect(files.isEmpty)
            #expect(throws: FlightError.file(operation: "open", code: ENOENT)) {
                _ = try MappedFlightRecorder(folder: folder + "/no", instance: InstanceID("b"), loops: 1, places: 1)
            }
        }
    }
}
