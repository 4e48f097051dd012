import Assembly
import Foundation
import InterviewCore
import Logging
import NIOCore
import NIOPosix
import OpusCodecs
import ParticipantLoad
import Ports
import ProviderSimulator
import SQLiteStore
import SessionTokens
import Settings
import Synchronization
import Testing

/// On which threads frames pass the named points, by loop.
final class ThreadNotes: FramePathProbe {
    struct Seen: Sendable {
        var frames = 0
        var threads: Set<String> = []
    }
    private let seen = Mutex<[Int: [FramePoint: Seen]]>([:])

    func passed(_ point: FramePoint, loop: Int) {
        let thread = Self.currentThread()
        seen.withLock { seen in
            seen[loop, default: [:]][point, default: Seen()].frames += 1
            seen[loop, default: [:]][point, default: Seen()].threads.insert(thread)
        }
    }

    /// Name and number: a loop's thread is called `loop-N`, and so is every thread that it starts.
    static func currentThread() -> String {
        let name = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? "?"
        let place = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")) ?? "?"
        return "\(name.prefix { $0 != "\n" }) \(place)"
    }

    func frames(_ point: FramePoint, on loop: Int) -> Int { seen.withLock { $0[loop]?[point]?.frames ?? 0 } }

    /// Every point that was passed on more than one thread, on another than its loop's, or on one that another loop
    /// uses too.
    func strays() -> [String] {
        seen.withLock { seen in
            let threadsOfLoop = seen.mapValues { points in
                points.values.reduce(into: Set()) { $0.formUnion($1.threads) }
            }
            return seen.flatMap { loop, points in
                let others = threadsOfLoop.filter { $0.key != loop }.values.reduce(into: Set()) { $0.formUnion($1) }
                return points.compactMap { point, seen in
                    let isHome = seen.threads.count == 1 && seen.threads.allSatisfy { $0.hasPrefix("loop-\(loop) ") }
                    let isAlone = seen.threads.isDisjoint(with: others)
                    return isHome && isAlone ? nil : "\(point.rawValue) of loop \(loop) on \(seen.threads.sorted())"
                }
            }
        }
    }
}

/// A decoder that does its work on another thread: the hop that the check has to notice.
struct HoppingCodecs: AudioCodecs {
    let inner = OpusAudioCodecs()
    let notes: ThreadNotes

    func makeDecoder(rate: Int) throws(CodecError) -> any AudioDecoder {
        HoppingDecoder(inner: try inner.makeDecoder(rate: rate), notes: notes)
    }
    func makeEncoder(rate: Int) throws(CodecError) -> any AudioEncoder { try inner.makeEncoder(rate: rate) }
}

final class HoppingDecoder: AudioDecoder {
    let inner: any AudioDecoder
    let notes: ThreadNotes
    init(inner: any AudioDecoder, notes: ThreadNotes) {
        self.inner = inner
        self.notes = notes
    }

    func decode(
        _ packet: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>
    ) throws(CodecError) -> Int {
        let notes = notes
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            notes.passed(.decode, loop: 0)
            done.signal()
        }
        done.wait()
        return try inner.decode(packet, into: samples)
    }
    func conceal(into samples: UnsafeMutableBufferPointer<Int16>) throws(CodecError) -> Int {
        try inner.conceal(into: samples)
    }
}

/// Real sockets, real loops, the simulator: one conversation on each loop. Serialized: each test wants the cores.
@Suite(.serialized) struct FramePathTests {
    @Test("every frame passes its six points on its session's loop, on four loops", .timeLimit(.minutes(3)))
    func fourLoops() async throws {
        let notes = ThreadNotes()
        try await withDaemon(loops: 4, notes: notes, codecs: nil) { rig in
            try await rig.talk(participants: 4) {
                (0..<4).allSatisfy { loop in
                    notes.frames(.socketIn, on: loop) >= 1_000
                        && FramePoint.allCases.allSatisfy { notes.frames($0, on: loop) > 0 }
                }
            }
        }
        #expect(notes.strays() == [])
        for loop in 0..<4 {
            for point in FramePoint.allCases { #expect(notes.frames(point, on: loop) > 0, "\(point) of loop \(loop)") }
        }
    }

    @Test("a decoder that hops to another thread is noticed", .timeLimit(.minutes(1)))
    func plantedHop() async throws {
        let notes = ThreadNotes()
        try await withDaemon(loops: 1, notes: notes, codecs: HoppingCodecs(notes: notes)) { rig in
            try await rig.talk(participants: 1) { notes.frames(.decode, on: 0) >= 20 }
        }
        #expect(notes.strays().contains { $0.hasPrefix("decode of loop 0") })
    }

    struct DaemonRig {
        let daemon: Daemon
        let foundations: Foundations
        let group: MultiThreadedEventLoopGroup

        /// Lets so many participants talk without a pause until `enough`.
        func talk(participants: Int, until enough: @escaping @Sendable () -> Bool) async throws {
            let voice = try PreparedVoice(VoiceLibrary.load(VoiceLibrary.installed(languages: ["en"])), format: .opus)
            let study = try #require(StudyID("frames"))
            try await foundations.store.save(
                Study(id: study, name: "Frames", language: "en", instructions: "Talk.", greeting: "Hello."))
            var running: [(Participant, Task<ParticipantReport, Never>)] = []
            for number in 0..<participants {
                let id = try #require(SessionID("frames-\(number)"))
                _ = try await foundations.store.create(
                    NewSession(id: id, study: study, participant: "p\(number)", expiresIn: .seconds(600)))
                let token = try await foundations.tokens.sign(
                    TokenClaims(participant: "p\(number)", session: id, scope: .join), lifetime: .seconds(600))
                let participant = Participant(
                    ParticipantSettings(
                        session: id.text, token: token,
                        address: try Address("ws://127.0.0.1:\(daemon.places.media)"), seed: UInt64(number)),
                    voice: voice, on: group.next())
                running.append((participant, Task { await participant.run() }))
                while await !participant.isLive { try await Task.sleep(for: .milliseconds(10)) }
            }
            while !enough() { try await Task.sleep(for: .milliseconds(50)) }
            for (participant, _) in running { await participant.leave() }
            for (_, task) in running { _ = await task.value }
        }
    }

    private func withDaemon(
        loops: Int, notes: ThreadNotes, codecs: (any AudioCodecs)?, _ body: (DaemonRig) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "frames-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var simulation = SimulatorOptions()
        simulation.voice = .tone
        let simulator = try Simulator(options: simulation, logger: log)
        let provider = try await simulator.start()
        var configuration = try Configuration.load(
            file: nil, environment: [:],
            overrides: [
                "agent.port=0", "media.port=0", "metrics.port=0", "web.port=0", "web.metrics_port=0", "loops=\(loops)",
                "state.folder=\(folder)", "admin.socket=\(folder)/a.sock",
                "providers.openai.base_url=ws://127.0.0.1:\(provider)/v1",
            ], purpose: .dev)
        configuration.secrets.openAIKey = Secret("simulated")
        let foundations = try await Foundations(configuration, makesSecret: true, log: log)
        let daemon = try await Daemon(foundations, substitutes: .init(probe: notes, codecs: codecs))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(DaemonRig(daemon: daemon, foundations: foundations, group: group)))
        } catch {
            result = .failure(error)
        }
        await daemon.drainAndStop()
        await simulator.stop()
        try await group.shutdownGracefully()
        try result.get()
    }
}
