import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

/// The listening socket's side: what every accepted connection gets in its pipeline, and who is connected.
final class SimulatorServer: Sendable {
    private struct Connections {
        var total = 0
        var open: [ObjectIdentifier: any Channel] = [:]
        /// Those that hold a conversation.
        var talking: Set<ObjectIdentifier> = []
    }

    let context: SimulatorContext
    let gate: Gate
    private let connections = Mutex(Connections())

    init(context: SimulatorContext) {
        self.context = context
        gate = Gate(apiKey: context.options.apiKey)
    }

    /// Bytes waiting in a socket at which the sound pauses, and at which it goes on.
    private static let waterMarks = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)
    /// Fragments of one message.
    private static let maximumFragments = 4_096

    func listen(on group: any EventLoopGroup) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Self.waterMarks)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.configure(channel) }
            }
            .bind(host: context.options.host, port: context.options.port).get()
    }

    private func configure(_ channel: any Channel) throws {
        remember(channel)
        let plain = HTTPHandler(server: self)
        let bound = NIOLoopBound(plain, eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: SimulatorOptions.maximumMessageBytes, automaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                // An empty answer agrees to no extension and no subprotocol: permessage-deflate is declined.
                let goesOn = self.handshake(channel, head, answeringBy: bound.value)
                return channel.eventLoop.makeSucceededFuture(goesOn ? HTTPHeaders() : nil)
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture { try self.upgraded(channel, head) }
            })
        let operations = channel.pipeline.syncOperations
        try operations.configureHTTPServerPipeline(
            withServerUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in
                    let operations = context.pipeline.syncOperations
                    if let handler = try? operations.context(handlerType: HTTPHandler.self) {
                        operations.removeHandler(context: handler, promise: nil)
                    }
                }
            ))
        try operations.addHandler(plain)
    }

    /// Whether a handshake becomes a conversation. A refusal made on purpose is left with the handler that answers.
    private func handshake(_ channel: any Channel, _ head: HTTPRequestHead, answeringBy plain: HTTPHandler) -> Bool {
        guard case .accept = gate.verdict(on: head) else { return false }
        switch context.faults.handshake(of: connections.withLock { $0.total } + 1) {
        case .goesOn: return true
        case .refused(let kind): plain.refusal = Gate.Refusal(kind)
        case .reset: Self.reset(channel)
        }
        return false
    }

    /// Makes a fault known; an outage cuts everybody off at once. False when there are too many already.
    @discardableResult
    func inject(_ fault: Fault) -> Bool {
        guard context.faults.add(fault) else { return false }
        guard fault.kind == .outage else { return true }
        let talking = connections.withLock { connections in
            connections.talking.compactMap { connections.open[$0] }
        }
        for channel in talking { Self.reset(channel) }
        return true
    }

    /// RST rather than FIN, as from a machine that has forgotten the connection.
    static func reset(_ channel: any Channel) {
        guard let provider = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }

    private func upgraded(_ channel: any Channel, _ head: HTTPRequestHead) throws {
        guard case .accept(let model) = gate.verdict(on: head) else { return }
        let number = connections.withLock { connections in
            connections.total += 1
            connections.talking.insert(ObjectIdentifier(channel))
            return connections.total
        }
        context.log.record(
            .connected, connection: number,
            [
                "model": .string(model), "user_agent": .optional(head.headers.first(name: "User-Agent")),
                "peer": .optional(channel.remoteAddress?.description),
            ])
        let operations = channel.pipeline.syncOperations
        try operations.addHandler(FrameGuard())
        try operations.addHandler(
            NIOWebSocketFrameAggregator(
                minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: Self.maximumFragments,
                maxAccumulatedFrameSize: SimulatorOptions.maximumMessageBytes))
        try operations.addHandler(RealtimeHandler(shared: context, number: number, model: model))
    }

    private func remember(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        connections.withLock { $0.open[id] = channel }
        channel.closeFuture.whenComplete { _ in
            self.connections.withLock { connections in
                connections.open[id] = nil
                connections.talking.remove(id)
            }
        }
    }

    /// Ends every connection at once, as a machine that goes away does.
    func closeAll() async {
        for channel in connections.withLock({ Array($0.open.values) }) {
            try? await channel.close().get()
        }
    }

    var health: JSON {
        let (total, open) = connections.withLock { ($0.total, $0.open.count) }
        return [
            "status": "ok", "voice": .string(context.phrases.voiceName), "connections_total": .integer(total),
            "connections_open": .integer(open), "log_entries": .integer(context.log.entries.count),
        ]
    }
}
