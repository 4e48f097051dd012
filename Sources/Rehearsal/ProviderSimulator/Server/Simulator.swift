import Foundation
import Logging
import NIOCore
import NIOPosix

/// A provider to rehearse with: the server's side of OpenAI Realtime (GA) on `ws://host:port/v1/realtime`. It listens
/// to the real sound, speaks real speech, bills like the vendor, and keeps a log of both.
///
/// It shares no code with what it tests, so that no mistake is made on both sides of the wire.
package actor Simulator {
    private struct Running {
        var group: MultiThreadedEventLoopGroup
        var pool: NIOThreadPool
        var server: SimulatorServer
        var channel: any Channel
        var port: Int
    }
    /// Threads that run the speech synthesiser.
    private static let poolThreads = 2

    package nonisolated let options: SimulatorOptions
    package nonisolated let log: SimulatorLog
    private let faults: FaultPlan
    private let logger: Logger
    private var running: Running?

    /// Opens the log; throws when it cannot be written.
    package init(options: SimulatorOptions, logger: Logger = Logger(label: "voice-sim")) throws(SimulatorError) {
        self.options = options
        self.logger = logger
        if let folder = options.audioFolder {
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            } catch { throw .cannotWrite(path: folder) }
        }
        log = try SimulatorLog(path: options.logPath)
        faults = FaultPlan(options.faults, log: log)
    }

    /// Learns the script's phrases, listens, and answers with the port.
    @discardableResult
    package func start() async throws(SimulatorError) -> Int {
        guard running == nil else { throw .alreadyStarted }
        let pool = NIOThreadPool(numberOfThreads: Self.poolThreads)
        pool.start()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(options.threads, 1))
        do {
            let phrases = try PhraseBook(voice: options.voice, deltaBytes: options.deltaBytes, pool: pool)
            let voice = options.script.voice
            try await pool.runIfActive { try phrases.tryVoice(voice) }
            await rehearse(phrases, on: group.next())
            let server = SimulatorServer(
                context: SimulatorContext(options: options, log: log, phrases: phrases, faults: faults))
            let channel = try await server.listen(on: group)
            let port = channel.localAddress?.port ?? options.port
            running = Running(group: group, pool: pool, server: server, channel: channel, port: port)
            log.record(.started, connection: 0, ["port": .integer(port), "voice": .string(phrases.voiceName)])
            logger.info("simulator listens", metadata: ["port": "\(port)", "voice": "\(phrases.voiceName)"])
            return port
        } catch {
            try? await group.shutdownGracefully()
            try? await pool.shutdownGracefully()
            throw error as? SimulatorError ?? .cannotListen(String(describing: error))
        }
    }

    /// So that the first session hears its greeting as soon as any later one.
    private func rehearse(_ phrases: PhraseBook, on loop: any EventLoop) async {
        let spoken = options.script.texts.prefix(PhraseBook.maximumPhrases / 2).map { text in
            phrases.phrase(PhraseBook.Key(text: text, voice: options.script.voice), on: loop)
        }
        for phrase in spoken { _ = try? await phrase.get() }
    }

    /// `ws://…/v1`, what a client takes as its base address; nil before `start`.
    package var baseAddress: String? { running.map { "ws://\(options.host):\($0.port)/v1" } }

    /// Makes something go wrong on purpose, from now on. False when there are too many faults already.
    @discardableResult
    package func inject(_ fault: Fault) -> Bool { running?.server.inject(fault) ?? faults.add(fault) }

    /// Nothing more goes wrong; an outage is over.
    package func clearFaults() { faults.clear() }

    /// Cuts every connection and stops listening. The log stays readable.
    package func stop() async {
        guard let running else { return }
        self.running = nil
        try? await running.channel.close().get()
        await running.server.closeAll()
        try? await running.group.shutdownGracefully()
        try? await running.pool.shutdownGracefully()
        log.record(.stopped, connection: 0)
        log.finish()
    }
}
