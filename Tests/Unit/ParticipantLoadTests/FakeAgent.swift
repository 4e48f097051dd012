import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// The other end of `voiced.v1` for these tests: takes connections one after the other and lets the test play voiced.
final class FakeAgent: Sendable {
    enum Door: Sendable {
        case open
        case refused(status: Int, code: String, retryAfter: Int?)
    }

    /// In the order they came; refused ones are not among them.
    let connections: AsyncStream<FakeConnection>
    private let channel: any Channel
    var port: Int { channel.localAddress?.port ?? 0 }

    /// `doors` are for the first attempts, in order; afterwards every door is open.
    init(on group: any EventLoopGroup, doors: [Door] = []) async throws {
        let (stream, arrivals) = AsyncStream.makeStream(of: FakeConnection.self)
        connections = stream
        let queue = Doors(doors)
        channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Self.build(channel, queue, arrivals) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func stop() async throws { try await channel.close() }

    private static func build(
        _ channel: any Channel, _ doors: Doors, _ arrivals: AsyncStream<FakeConnection>.Continuation
    ) throws {
        let plain = RefusingHandler()
        let bound = NIOLoopBound(plain, eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: 1 << 16, automaticErrorHandling: true,
            shouldUpgrade: { channel, _ in
                switch doors.next() {
                case .open:
                    channel.eventLoop.makeSucceededFuture(HTTPHeaders([("Sec-WebSocket-Protocol", "voiced.v1")]))
                case .refused(let status, let code, let retryAfter):
                    channel.eventLoop.makeCompletedFuture {
                        bound.value.refusal = (status, code, retryAfter)
                        return nil
                    }
                }
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    let connection = FakeConnection(channel, head)
                    try channel.pipeline.syncOperations.addHandler(connection.handler())
                    arrivals.yield(connection)
                }
            })
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in
                    context.pipeline.syncOperations.removeHandler(bound.value, promise: nil)
                }
            ))
        try channel.pipeline.syncOperations.addHandler(plain)
    }
}

private final class Doors: @unchecked Sendable {
    private let lock = NSLock()
    private var doors: [FakeAgent.Door]
    init(_ doors: [FakeAgent.Door]) { self.doors = doors.reversed() }
    func next() -> FakeAgent.Door { lock.withLock { doors.popLast() ?? .open } }
}

private final class RefusingHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    var refusal: (status: Int, code: String, retryAfter: Int?) = (400, "none", nil)

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        let body = ByteBuffer(string: #"{"code":"\#(refusal.code)","message":"no"}"#)
        var headers = HTTPHeaders([("Content-Length", "\(body.readableBytes)"), ("Connection", "close")])
        if let seconds = refusal.retryAfter { headers.add(name: "Retry-After", value: "\(seconds)") }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: refusal.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

/// One accepted connection.
final class FakeConnection: Sendable {
    enum Event: Sendable {
        case text([String: String])
        case audio(kind: UInt8, sequence: UInt16, timestamp: UInt32, payload: [UInt8])
        case close(code: Int?)
        case gone
    }

    let head: HTTPRequestHead
    private let channel: any Channel
    private let events: AsyncStream<Event>
    private let feed: AsyncStream<Event>.Continuation

    init(_ channel: any Channel, _ head: HTTPRequestHead) {
        self.channel = channel
        self.head = head
        (events, feed) = AsyncStream.makeStream(of: Event.self)
    }

    fileprivate func handler() -> some ChannelHandler & Sendable { FakeHandler(feed) }

    func send(_ json: String) {
        write(.text, ByteBuffer(string: json))
    }

    func sendAudio(_ sequence: UInt16, _ timestamp: UInt32, bytes: Int = 40) {
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt8(1))
        buffer.writeInteger(sequence)
        buffer.writeInteger(timestamp)
        buffer.writeBytes(repeatElement(UInt8(7), count: bytes))
        write(.binary, buffer)
    }

    func welcome(resumed: Bool = false, token: String = "second", resendFrom: UInt32? = nil) {
        let resend = resendFrom.map { #","resend_from":\#($0)"# } ?? ""
        send(
            #"{"type":"welcome","session":"s1","resumed":\#(resumed),"rejoin_token":"\#(token)","phase":"main","#
                + #""language":"en","limits":{"ends_in_ms":60000,"rejoin_ms":30000}\#(resend)}"#)
    }

    func close(_ code: UInt16) { write(.connectionClose, ByteBuffer(integer: code)) }
    func cut() { channel.close(promise: nil) }

    /// The next event that `pick` wants; the others are dropped. Nil when the connection is gone first.
    func next<T>(_ pick: (Event) -> T?) async -> T? {
        for await event in events {
            if let wanted = pick(event) { return wanted }
            if case .gone = event { return nil }
        }
        return nil
    }

    func text(_ type: String) async -> [String: String]? {
        await next { event in
            if case .text(let fields) = event, fields["type"] == type { fields } else { nil }
        }
    }

    func audio(_ count: Int) async -> [(sequence: UInt16, timestamp: UInt32, payload: [UInt8])] {
        var frames: [(sequence: UInt16, timestamp: UInt32, payload: [UInt8])] = []
        while frames.count < count {
            let frame = await next { event -> (UInt16, UInt32, [UInt8])? in
                if case .audio(_, let sequence, let timestamp, let payload) = event {
                    (sequence, timestamp, payload)
                } else {
                    nil
                }
            }
            guard let frame else { break }
            frames.append(frame)
        }
        return frames
    }

    private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer) {
        channel.writeAndFlush(WebSocketFrame(fin: true, opcode: opcode, data: data), promise: nil)
    }
}

private final class FakeHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = WebSocketFrame
    private let feed: AsyncStream<FakeConnection.Event>.Continuation
    init(_ feed: AsyncStream<FakeConnection.Event>.Continuation) { self.feed = feed }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        var bytes = frame.unmaskedData
        switch frame.opcode {
        case .text:
            let object = (try? JSONSerialization.jsonObject(with: Data(bytes.readableBytesView))) as? [String: Any]
            feed.yield(.text((object ?? [:]).mapValues { "\($0)" }))
        case .binary:
            guard let (kind, sequence, timestamp) = bytes.readMultipleIntegers(as: (UInt8, UInt16, UInt32).self) else {
                return
            }
            let payload = Array(bytes.readableBytesView)
            feed.yield(.audio(kind: kind, sequence: sequence, timestamp: timestamp, payload: payload))
        case .connectionClose:
            feed.yield(.close(code: bytes.readInteger(as: UInt16.self).map(Int.init)))
            context.close(promise: nil)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        feed.yield(.gone)
        feed.finish()
    }
}
