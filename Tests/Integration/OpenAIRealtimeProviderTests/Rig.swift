import EventLoops
import Foundation
import InterviewCore
import OpenAIRealtimeProvider
import Ports
import Synchronization
import Testing
import WebSockets

/// What a session hears, as a story.
final class Story: ProviderEvents {
    enum Happening: Sendable, Equatable {
        case did(ProviderEvent)
        case spoke([Int16], item: String, response: String)
    }

    private let stream: AsyncStream<Happening>
    private let continuation: AsyncStream<Happening>.Continuation
    private let elsewhere = Mutex(false)
    private let loop: EventLoop
    /// On the loop, before the happening is told.
    let reaction: @Sendable (any ProviderConnection, Happening) -> Void

    init(
        loop: EventLoop, reaction: @escaping @Sendable (any ProviderConnection, Happening) -> Void = { _, _ in }
    ) {
        (stream, continuation) = AsyncStream.makeStream()
        self.loop = loop
        self.reaction = reaction
    }

    func provider(_ connection: any ProviderConnection, did event: ProviderEvent) {
        note(.did(event), connection)
    }

    func provider(
        _ connection: any ProviderConnection, spoke samples: UnsafeBufferPointer<Int16>, item: String, response: String
    ) {
        note(.spoke(Array(samples), item: item, response: response), connection)
    }

    private func note(_ happening: Happening, _ connection: any ProviderConnection) {
        if !loop.isCurrent { elsewhere.withLock { $0 = true } }
        reaction(connection, happening)
        continuation.yield(happening)
    }

    var wasToldElsewhere: Bool { elsewhere.withLock { $0 } }

    /// Everything from now on, up to and with the first happening that fits.
    func until(_ fits: (ProviderEvent) -> Bool) async -> [Happening] {
        var happenings: [Happening] = []
        for await happening in stream {
            happenings.append(happening)
            if case .did(let event) = happening, fits(event) || event.isFailure { break }
        }
        return happenings
    }

    /// Until so many samples of speech have come.
    func until(samples: Int) async {
        var count = 0
        for await happening in stream {
            if case .spoke(let piece, _, _) = happening { count += piece.count }
            if count >= samples { break }
        }
    }

    func untilReady() async -> [ProviderEvent] { await until { $0 == .ready }.events }

    /// What has been told so far and nobody has read: the stream ends here.
    func rest() async -> [Happening] {
        continuation.finish()
        var happenings: [Happening] = []
        for await happening in stream { happenings.append(happening) }
        return happenings
    }
}

extension ProviderEvent {
    var isFailure: Bool { if case .failed = self { true } else { false } }
    var isFinish: Bool { if case .answerFinished = self { true } else { false } }
}

extension [Story.Happening] {
    var events: [ProviderEvent] {
        compactMap { if case .did(let event) = $0 { event } else { nil } }
    }
    var samples: [Int16] {
        flatMap { happening -> [Int16] in
            if case .spoke(let samples, _, _) = happening { samples } else { [] }
        }
    }
    var failure: ProviderFailure? {
        events.compactMap { if case .failed(let failure) = $0 { failure } else { nil } }.last
    }
}

/// Notes on which threads frames pass.
final class Probe: FramePathProbe {
    private let seen = Mutex<[FramePoint: Set<pthread_t>]>([:])

    func passed(_ point: FramePoint, loop: Int) {
        seen.withLock { _ = $0[point, default: []].insert(pthread_self()) }
    }

    func threads(of point: FramePoint) -> Set<pthread_t> { seen.withLock { $0[point] ?? [] } }
}

/// One loop with the library on it and a factory that dials `baseURL`.
final class Rig: Sendable {
    let loop: EventLoop
    let context: WebSocketContext
    let factory: OpenAIRealtimeFactory
    let probe: Probe

    private init(loop: EventLoop, context: WebSocketContext, factory: OpenAIRealtimeFactory, probe: Probe) {
        self.loop = loop
        self.context = context
        self.factory = factory
        self.probe = probe
    }

    static let setup = ProviderSetup(instructions: "You interview people.", language: "en-GB")

    static func with<Result: Sendable>(
        _ baseURL: String, key: String = "sk-test",
        adjusting: (inout OpenAIRealtimeSettings) -> Void = { _ in }, _ body: (Rig) async throws -> Result
    ) async throws -> Result {
        let probe = Probe()
        let loop = try EventLoop(index: 0, framePathProbe: probe)
        let context = try WebSocketContext.makeAll(on: [loop], trust: .system)[0]
        var settings = OpenAIRealtimeSettings(baseURL: baseURL, apiKey: APIKey(key), transcriptionModel: "whisper-1")
        adjusting(&settings)
        let factory = try OpenAIRealtimeFactory(settings: settings, loops: 1) { $0 == 0 ? context : nil }
        loop.start()
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(Rig(loop: loop, context: context, factory: factory, probe: probe)))
        } catch { result = .failure(error) }
        await loop.run { context.destroy() }
        await loop.stop()
        return try result.get()
    }

    func open(_ setup: ProviderSetup = setup, _ story: Story) async -> any ProviderConnection {
        let (loop, factory) = (loop, factory)
        return await loop.run { factory.open(on: loop, setup: setup, events: story) }
    }

    /// Hands sound over in frames of 20 ms; false when one was not taken.
    func append(_ samples: [Int16], to connection: any ProviderConnection) async -> Bool {
        await loop.run {
            var taken = true
            samples.withUnsafeBufferPointer { samples in
                for start in stride(from: 0, to: samples.count, by: 480) {
                    let frame = UnsafeBufferPointer(rebasing: samples[start..<min(start + 480, samples.count)])
                    taken = connection.appendAudio(frame) && taken
                }
            }
            return taken
        }
    }

    func close(_ connection: any ProviderConnection) async { await loop.run { connection.close() } }
}

extension EventLoop {
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            post { continuation.resume(returning: body()) }
        }
    }
}

/// A recorded human voice ("front center", Debian's alsa-utils, 48 kHz) at 24 kHz, silence before and after.
struct RecordedVoice {
    let samples: [Int16]

    init() throws {
        let file = Array(try Data(contentsOf: URL(fileURLWithPath: "/usr/share/sounds/alsa/Front_Center.wav")))
        // Behind the 44 bytes of a plain header: 16-bit mono.
        let pairs = stride(from: 44, to: file.count - 3, by: 4).map { offset in
            let first = Int(Int16(bitPattern: UInt16(file[offset]) | UInt16(file[offset + 1]) << 8))
            let second = Int(Int16(bitPattern: UInt16(file[offset + 2]) | UInt16(file[offset + 3]) << 8))
            return Int16((first + second) / 2)
        }
        samples = [Int16](repeating: 0, count: 12_000) + pairs + [Int16](repeating: 0, count: 24_000)
    }
}
