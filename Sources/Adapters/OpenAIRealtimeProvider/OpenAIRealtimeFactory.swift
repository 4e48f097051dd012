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
    private let settings: OpenAIRealtimeSettings
    private let endpoint: OpenAIEndpoint
    private let resolver: HostResolver
    private let context: @Sendable (Int) -> WebSocketContext?

    /// `context`: the WebSocket context of the loop with that index. Throws for settings that no socket could be opened
    /// with; whether host and key are right only the vendor can say.
    package init(
        settings: OpenAIRealtimeSettings, resolver: HostResolver = HostResolver(),
        context: @escaping @Sendable (_ loop: Int) -> WebSocketContext?
    ) throws(OpenAIRealtimeError) {
        endpoint = try OpenAIEndpoint(baseURL: settings.baseURL, model: settings.model)
        guard settings.apiKey.isPlain else { throw .badKey }
        guard settings.organization.map(Self.isPlain) ?? true else { throw .badOrganization }
        guard settings.project.map(Self.isPlain) ?? true else { throw .badProject }
        self.settings = settings
        self.resolver = resolver
        self.context = context
    }

    package func open(
        on loop: any SessionLoop, setup: ProviderSetup, events: any ProviderEvents
    ) -> any ProviderConnection {
        let connection = OpenAIRealtimeConnection(
            loop: loop, context: context(loop.index), settings: settings, endpoint: endpoint, resolver: resolver,
            counters: counters, setup: setup, events: events)
        connection.startSoon()
        return connection
    }

    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

/// What the connections of one factory have seen, for metrics. Any thread.
package final class OpenAIRealtimeCounters: Sendable {
    private let unknown = Atomic<Int>(0)

    /// Events whose type this version does not know; they were ignored.
    package var unknownEvents: Int { unknown.load(ordering: .relaxed) }

    func sawUnknownEvent() { unknown.wrappingAdd(1, ordering: .relaxed) }
}
