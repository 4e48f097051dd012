import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

/// A provider that says exactly what a test tells it to, wrong things included. Well-behaved conversations are the
/// simulator's.
final class ScriptedServer: Sendable {
    enum Say: Sendable {
        case text(String)
        case binary([UInt8])
        case close(UInt16)
        /// The line is cut without a word.
        case drop
    }

    /// What a client's event is answered with; `type` is empty when the socket has just opened.
    typealias Script = @Sendable (_ type: String, _ event: String) -> [Say]

    /// Session created, configuration and items confirmed; nothing else.
    static let polite: Script = { type, event in
        switch type {
        case "": [.text(#"{"type":"session.created","session":{"id":"sess_1"}}"#)]
        case "session.update": [.text(#"{"type":"session.updated","session":{"id":"sess_1"}}"#)]
        case "conversation.item.create":
            [.text(#"{"type":"conversation.item.added","item":\#(part("item", of: event))}"#)]
        default: []
        }
    }

    private static func part(_ name: String, of event: String) -> String {
        guard let object = try? JSONSerialization.jsonObject(with: Data(event.utf8)) as? [String: Any],
            let part = object[name], let data = try? JSONSerialization.data(withJSONObject: part)
        else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    /// `polite`, and then what the test adds.
    static func polite(_ more: @escaping Script) -> Script {
        { type, event in polite(type, event) + more(type, event) }
    }

    let port: UInt16
    private let channel: any Channel
    private let seen: Seen

    /// What clients have sent and how they came.
    final class Seen: Sendable {
        let heads = Mutex<[HTTPRequestHead]>([])
        let events = Mutex<[String]>([])
        let peers = Mutex<[any Channel]>([])
    }

    var heads: [HTTPRequestHead] { seen.heads.withLock { $0 } }
    /// The clients' events as they came.
    var events: [String] { seen.events.withLock { $0 } }

    private init(channel: any Channel, port: UInt16, seen: Seen) {
        self.channel = channel
        self.port = port
        self.seen = seen
    }

    /// `refusing`: every upgrade is answered with this status.
    static func start(refusing status: HTTPResponseStatus? = nil, _ script: @escaping Script = polite) async throws
        -> ScriptedServer
    {
        let seen = Seen()
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                if let status {
                    return channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                        try channel.pipeline.syncOperations.addHandler(Refusal(status: status, seen: seen))
                    }
                }
                let upgrader = NIOWebSocketServerUpgrader(
                    maxFrameSize: 1 << 24,
                    shouldUpgrade: { channel, head in
                        seen.heads.withLock { $0.append(head) }
                        return channel.eventLoop.makeSucceededFuture([:])
                    },
                    upgradePipelineHandler: { channel, _ in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(Peer(script: script, seen: seen))
                        }
                    })
                return channel.pipeline.configureHTTPServerPipeline(
                    withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
            }
        let channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        return ScriptedServer(channel: channel, port: UInt16(channel.localAddress?.port ?? 0), seen: seen)
    }

    func stop() async {
        try? await channel.close().get()
        for peer in seen.peers.withLock({ $0 }) { try? await peer.close().get() }
    }

    private final class Refusal: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        let status: HTTPResponseStatus
        let seen: Seen

        init(status: HTTPResponseStatus, seen: Seen) {
            self.status = status
            self.seen = seen
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): seen.heads.withLock { $0.append(head) }
            case .body: break
            case .end:
                let head = HTTPResponseHead(version: .http1_1, status: status, headers: ["content-length": "0"])
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }

    private final class Peer: ChannelInboundHandler {
        typealias InboundIn = WebSocketFrame
        typealias OutboundOut = WebSocketFrame
        let script: Script
        let seen: Seen
        private var text = ""

        init(script: @escaping Script, seen: Seen) {
            self.script = script
            self.seen = seen
        }

        func handlerAdded(context: ChannelHandlerContext) {
            seen.peers.withLock { $0.append(context.channel) }
            say(script("", ""), context)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = unwrapInboundIn(data)
            var bytes = frame.unmaskedData
            switch frame.opcode {
            case .text, .continuation:
                text += bytes.readString(length: bytes.readableBytes) ?? ""
                guard frame.fin else { return }
                let event = text
                text = ""
                seen.events.withLock { $0.append(event) }
                let object = try? JSONSerialization.jsonObject(with: Data(event.utf8)) as? [String: Any]
                say(script(object?["type"] as? String ?? "?", event), context)
            case .ping:
                send(.pong, Array(bytes.readableBytesView), context)
            case .connectionClose:
                send(.connectionClose, Array(bytes.readableBytesView.prefix(2)), context)
                context.close(promise: nil)
            default: break
            }
        }

        private func say(_ words: [Say], _ context: ChannelHandlerContext) {
            for word in words {
                switch word {
                case .text(let text): send(.text, Array(text.utf8), context)
                case .binary(let bytes): send(.binary, bytes, context)
                case .close(let code):
                    send(.connectionClose, [UInt8(code >> 8), UInt8(code & 0xFF)], context)
                case .drop: context.close(promise: nil)
                }
            }
        }

        private func send(_ opcode: WebSocketOpcode, _ bytes: [UInt8], _ context: ChannelHandlerContext) {
            let frame = WebSocketFrame(fin: true, opcode: opcode, data: ByteBuffer(bytes: bytes))
            context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        }
    }
}
