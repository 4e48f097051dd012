import EventLoops
import Ports
import Synchronization
import WebSockets
import WireFormats

/// Opens conversations with OpenAI Realtime (GA) over WebSocket.
package struct OpenAIRealtimeFactory: ProviderFactory {
    package let name = "openai"
    package var model: String { settings.model }
    package var transcriptionModel: String? { settings.transcriptionModel }
    package let inputRate = 24_000
    package let outputRate = 24_000

    package let counters = OpenAIRealtimeCounters()
    /// How the next conversations' turns are found; may change while others run.
    package let profile: TurnDetectionProfile
    private let settings: OpenAIRealtimeSettings
    private let endpoint: OpenAIEndpoint
    private let resolver: HostResolver
    private let context: @Sendable (Int) -> WebSocketContext?
    private let pools: WarmPools?

    /// `context`: the WebSocket context of the loop with that index; `loops`: how many keep connections ready, where the
    /// settings want that. Throws for settings that no socket could be opened
    /// with; whether host and key are right only the vendor can say.
    package init(
        settings: OpenAIRealtimeSettings, resolver: HostResolver = HostResolver(), loops: Int = 0,
        context: @escaping @Sendable (_ loop: Int) -> WebSocketContext?
    ) throws(OpenAIRealtimeError) {
        endpoint = try OpenAIEndpoint(baseURL: settings.baseURL, model: settings.model)
        guard settings.apiKey.isPlain else { throw .badKey }
        guard settings.organization.map(Self.isPlain) ?? true else { throw .badOrganization }
        guard settings.project.map(Self.isPlain) ?? true else { throw .badProject }
        self.settings = settings
        profile = TurnDetectionProfile(settings.turnDetection)
        self.resolver = resolver
        self.context = context
        let eventLoops = (0..<loops).compactMap { context($0)?.loop }
        guard settings.prewarmSize > 0, !eventLoops.isEmpty else {
            pools = nil
            return
        }
        pools = WarmPools(
            size: settings.prewarmSize, maxAge: settings.prewarmMaxAge, loops: eventLoops, counters: counters
        ) { [endpoint, counters, profile] index in
            OpenAIRealtimeConnection(
                loop: eventLoops[index], context: context(index), settings: settings, profile: profile,
                endpoint: endpoint, resolver: resolver, counters: counters)
        }
    }

    package func open(
        on loop: any SessionLoop, setup: ProviderSetup, events: any ProviderEvents
    ) -> any ProviderConnection {
        if let warm = pools?.take(on: loop.index) {
            warm.take(setup: setup, events: events)
            return warm
        }
        let connection = OpenAIRealtimeConnection(
            loop: loop, context: context(loop.index), settings: settings, profile: profile, endpoint: endpoint,
            resolver: resolver, counters: counters)
        connection.open(setup: setup, events: events)
        return connection
    }

    package func startPrewarming() { pools?.start() }
    package func stopPrewarming() { pools?.stop() }
    package var prewarmed: PrewarmReport { counters.prewarmed }

    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

/// What the connections of one factory have seen, for metrics. Any thread.
package final class OpenAIRealtimeCounters: Sendable {
    private let unknown = Atomic<Int>(0)
    private let ready = Atomic<Int>(0)
    private let taken = Atomic<Int>(0)
    private let aged = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)

    /// Events whose type this version does not know; they were ignored.
    package var unknownEvents: Int { unknown.load(ordering: .relaxed) }

    package var prewarmed: PrewarmReport {
        PrewarmReport(
            ready: ready.load(ordering: .relaxed), taken: taken.load(ordering: .relaxed),
            aged: aged.load(ordering: .relaxed), failed: failed.load(ordering: .relaxed))
    }

    func sawUnknownEvent() { unknown.wrappingAdd(1, ordering: .relaxed) }
    func prewarmReady(by change: Int) { ready.wrappingAdd(change, ordering: .relaxed) }
    func prewarmTaken() { taken.wrappingAdd(1, ordering: .relaxed) }
    func prewarmAged() { aged.wrappingAdd(1, ordering: .relaxed) }
    func prewarmFailed() { failed.wrappingAdd(1, ordering: .relaxed) }
}

/// The provider's VAD settings that are in force. Any thread.
package final class TurnDetectionProfile: Sendable {
    private let state: Mutex<OpenAITurnDetection>

    init(_ initial: OpenAITurnDetection) { state = Mutex(initial) }

    package var current: OpenAITurnDetection { state.withLock { $0 } }
    /// For conversations that are opened from now on.
    package func use(_ new: OpenAITurnDetection) { state.withLock { $0 = new } }
}
