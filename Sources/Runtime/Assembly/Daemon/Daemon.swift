import AgentSurface
import EventLoops
import FlightRecording
import Foundation
import HTTPServing
import InterviewCore
import LocalDisk
import Logging
import OggRecorder
import OpenAIRealtimeProvider
import Opus
import OpusCodecs
import Ports
import ServiceLifecycle
import Sessions
import Settings
import WebSocketTransport
import WebSockets

/// One running voiced: its loops, its sessions, its door and its surfaces. Started in order, stopped in reverse.
package final class Daemon: Sendable {
    package let supervisor: SessionSupervisor
    private let foundations: Foundations
    private let loops: [EventLoop]
    private let contexts: [WebSocketContext]
    private let doorLoop: EventLoop
    private let acceptor: Acceptor
    private let recorders: OggRecorderFactory
    private let flight: MappedFlightRecorder?
    private let disk: DiskGuard
    private let reloader: Reloader?
    private let surfaces: ServiceGroup
    private let surfacesRun: Task<Void, any Error>
    /// Where it listens, also when the configuration said 0.
    package let places: Places

    package struct Places: Sendable {
        package var agent: Int
        package var media: Int
        package var metrics: Int
        package var adminSocket: String
    }

    /// What a test puts in the place of a part; nil everywhere in a program.
    package struct Substitutes: Sendable {
        package var probe: (any FramePathProbe)?
        package var codecs: (any AudioCodecs)?

        package init(probe: (any FramePathProbe)? = nil, codecs: (any AudioCodecs)? = nil) {
            self.probe = probe
            self.codecs = codecs
        }
    }

    /// Reads the configuration anew from where the process had it; throws every mistake.
    package typealias ConfigurationSource = @Sendable () throws(ConfigurationErrors) -> Configuration

    /// At the end of a process, how long parts that are closed may take into the object store; what is not there by
    /// then is found at the next start.
    static let deliveryPatience: Duration = .seconds(10)

    /// `source`: for `reload`; nil: there is none.
    package init(
        _ foundations: Foundations, substitutes: Substitutes = Substitutes(), source: ConfigurationSource? = nil
    ) async throws(AssemblyError) {
        let configuration = foundations.configuration
        let log = foundations.log
        self.foundations = foundations
        let engine = try Engine(configuration, probe: substitutes.probe, log: log)
        loops = engine.loops
        contexts = engine.contexts
        doorLoop = engine.doorLoop
        let provider = try engine.provider()
        recorders = engine.recorders(agentRate: provider.outputRate)
        let settings = Self.supervisorSettings(configuration, loops: engine.loops.count)
        flight = engine.flightRecorder(instance: settings.instance, places: settings.seats.capacity)
        var services = try engine.services(
            foundations, instance: settings.instance, provider: provider, recorders: recorders,
            codecs: substitutes.codecs)
        if let flight { services.flight = flight }
        supervisor = SessionSupervisor(settings: settings, services: services, loops: engine.loops, log: log)
        acceptor = engine.acceptor(foundations, admission: supervisor, metrics: services.metrics)

        disk = Self.diskGuard(configuration, supervisor: supervisor, metrics: services.metrics, log: log)
        reloader = Self.reloader(
            foundations, source: source, supervisor: supervisor, disk: disk, provider: provider,
            loops: engine.loops.count)

        if configuration.checksOnWake {
            Self.guardSleep(of: engine.loops, supervisor: supervisor, metrics: services.metrics, log: log)
        }
        for loop in engine.loops + [engine.doorLoop] { loop.start() }
        await disk.start()
        // The door first, so that others can be told where it is; nobody is seated before the lease holds.
        let media: Int
        do { media = try await acceptor.start() } catch {
            throw .listening("media.port: \(error)")
        }
        // Before anybody is let in: whom an earlier process died of may knock first.
        await Self.nameSuspects(configuration, store: foundations.store, metrics: services.metrics, log: log)
        await supervisor.start(mediaAddress: MediaAddress.text(configuration.media, port: media))
        let probes = AgentSurface.probes(
            host: configuration.agent.host, port: configuration.agent.port, control: supervisor, logger: log)
        let metrics = AgentSurface.metrics(
            host: configuration.metrics.host, port: configuration.metrics.port, control: supervisor, logger: log)
        let admin = AgentSurface.admin(
            socket: configuration.adminSocket, control: supervisor, reload: reloader.map { $0.reload }, logger: log)
        let group = ServiceGroup(
            configuration: .init(
                services: [probes, metrics, admin].map { .init(service: $0) }, logger: Self.quiet(log)))
        surfaces = group
        surfacesRun = Task { try await group.run() }
        do {
            places = Places(
                agent: try await probes.port(), media: media, metrics: try await metrics.port(),
                adminSocket: configuration.adminSocket)
            _ = try await admin.port()
        } catch {
            throw .listening("\(error)")
        }
    }

    /// Lets the conversations end (`drain.timeout`), then goes. `skip` from another task shortens it.
    package func drainAndStop() async {
        await supervisor.drainAndWait(timeout: nil)
        await stop()
    }

    /// Nil: this process cannot read its configuration again.
    package func reload() async -> ReloadReport? { await reloader?.reload() }

    package func skipDrain() async { await supervisor.skipDrain() }

    /// Ends everything at once; conversations must be gone.
    package func stop() async {
        await supervisor.stop()
        await disk.stop()
        await acceptor.stop()
        await surfaces.triggerGracefulShutdown()
        _ = await surfacesRun.result
        for context in contexts {
            await withCheckedContinuation { continuation in
                context.loop.post {
                    context.destroy()
                    continuation.resume()
                }
            }
        }
        for loop in loops + [doorLoop] { await loop.stop() }
        flight?.close()
        await recorders.deliver(within: Self.deliveryPatience)
        await foundations.close()
    }

    static func supervisorSettings(_ configuration: Configuration, loops: Int) -> SupervisorSettings {
        SupervisorSettings(
            instance: InstanceID(UUID().uuidString.lowercased()), build: BuildVersion.text,
            seats: SeatPolicy(
                seatsPerLoop: configuration.capacity.perLoop, loops: loops,
                keptPercent: configuration.capacity.keptPercent, lagLimit: configuration.capacity.loopLag,
                memoryPercent: configuration.capacity.memoryPercent),
            limits: LifecycleLimits(
                idle: configuration.limits.idle, hardLimit: configuration.limits.hard,
                rejoin: configuration.limits.rejoin),
            sessionBudgetMicros: configuration.limits.sessionBudgetMicros, drainTimeout: configuration.drain.timeout,
            maxOutputTokens: configuration.openAI.maxOutputTokens, mediaURL: configuration.media.instanceURL)
    }

    /// The group tells of every start and stop at info; we say it once ourselves.
    static func quiet(_ log: Logger) -> Logger {
        var quiet = log
        quiet.logLevel = max(log.logLevel, .warning)
        return quiet
    }
}
