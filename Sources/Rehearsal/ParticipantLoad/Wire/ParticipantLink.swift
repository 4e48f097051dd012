import Foundation
import InterviewCore
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// What one connection attempt brings, in order: `opened` or an end, then messages, then one end.
enum LinkEvent: Sendable {
    case opened
    case text(ByteBuffer)
    case binary(ByteBuffer)
    case pong(ByteBuffer)
    /// The upgrade was refused.
    case refused(status: Int, code: String, retryAfter: Duration?)
    /// A close frame came (code nil: without a code), or the line ended without one.
    case closed(code: Int?)
    case failed(String)
}

/// One WebSocket connection of a participant. Confined to its event loop; everything it hears goes to `deliver`, on
/// that loop. Reconnecting, timing and the protocol's meaning are the participant's.
final class ParticipantLink: Sendable {
    struct Target: Sendable {
        var address: Address
        var session: String
        var token: String
        /// The token as a header; else as a second subprotocol, the way a browser must do it.
        var tokenInHeader: Bool
    }

    private struct State {
        var channel: (any Channel)?
        /// Closed by us before it was connected.
        var abandoned = false
        /// Frames may be written: before, the pipeline still speaks HTTP and a frame would be its end.
        var isUpgraded = false
        /// The last event has been delivered.
        var over = false
    }

    private let loop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    /// Starts connecting at once. On `loop`.
    init(to target: Target, on loop: any EventLoop, deliver: @escaping @Sendable (LinkEvent) -> Void) {
        self.loop = loop
        let state = NIOLoopBoundBox(State(), eventLoop: loop)
        self.state = state
        let report: @Sendable (LinkEvent) -> Void = { event in
            if state.value.over { return }
            switch event {
            case .refused, .closed, .failed: state.value.over = true
            case .opened: state.value.isUpgraded = true
            case .text, .binary, .pong: break
            }
            deliver(event)
        }
        let head = Self.request(target)
        ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(RejoinPolicy.attemptTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Self.build(channel, head, report) }
            }
            .connect(host: target.address.host, port: target.address.port)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let connected):
                    state.value.channel = connected
                    if state.value.abandoned { connected.close(promise: nil) }
                case .failure(let error): report(.failed(LinkFailure.name(error)))
                }
            }
    }

    private static func request(_ target: Target) -> HTTPRequestHead {
        var headers = HTTPHeaders([("Host", target.address.authority)])
        if target.tokenInHeader {
            headers.add(name: "Authorization", value: "Bearer \(target.token)")
            headers.add(name: "Sec-WebSocket-Protocol", value: ParticipantWire.subprotocol)
        } else {
            headers.add(
                name: "Sec-WebSocket-Protocol", value: "\(ParticipantWire.subprotocol), bearer.\(target.token)")
        }
        return HTTPRequestHead(
            version: .http1_1, method: .GET, uri: "\(target.address.path)/v1/sessions/\(target.session)/media",
            headers: headers)
    }

    private static func build(
        _ channel: any Channel, _ head: HTTPRequestHead, _ report: @escaping @Sendable (LinkEvent) -> Void
    ) throws {
        let opening = OpeningHandler(head, report)
        let sync = channel.pipeline.syncOperations
        // Frames are taken larger than the protocol allows: the daemon's too-big messages are to be seen, not hidden.
        let upgrader = NIOWebSocketClientUpgrader(maxFrameSize: 1 << 20, automaticErrorHandling: true) {
            channel, response in
            channel.eventLoop.makeCompletedFuture {
                let chosen = response.headers["sec-websocket-protocol"]
                guard chosen == [ParticipantWire.subprotocol] else { throw LinkFailure.subprotocol }
                let sync = channel.pipeline.syncOperations
                try sync.addHandler(
                    NIOWebSocketFrameAggregator(
                        minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1_024, maxAccumulatedFrameSize: 1 << 20))
                try sync.addHandler(FrameHandler(report))
            }
        }
        let bound = NIOLoopBound(opening, eventLoop: channel.eventLoop)
        try sync.addHTTPClientHandlers(
            leftOverBytesStrategy: .forwardBytes,
            withClientUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in
                    context.pipeline.syncOperations.removeHandler(bound.value, promise: nil)
                }
            ))
        try sync.addHandler(opening)
    }

    // MARK: Sending; on the loop, silently nothing when the line is gone

    func send(_ message: ParticipantMessage) { send(text: ParticipantWire.text(message)) }

    func send(text: String) {
        guard let channel = state.value.channel else { return }
        write(.text, channel.allocator.buffer(string: text))
    }

    func send(_ header: AudioFrameHeader, payload: [UInt8]) {
        guard let channel = state.value.channel else { return }
        var buffer = channel.allocator.buffer(capacity: ParticipantWire.headerBytes + payload.count)
        ParticipantWire.write(header, payload: payload, into: &buffer)
        write(.binary, buffer)
    }

    func send(ping payload: UInt64) {
        guard let channel = state.value.channel else { return }
        write(.ping, channel.allocator.buffer(integer: payload))
    }

    /// Says goodbye with `code` and closes; the line is cut after a second if nobody answers.
    func close(code: Int) {
        guard let channel = state.value.channel, state.value.isUpgraded else {
            abort()
            return
        }
        var buffer = channel.allocator.buffer(capacity: 2)
        buffer.write(webSocketErrorCode: WebSocketErrorCode(codeNumber: code))
        write(.connectionClose, buffer)
        loop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    }

    /// Cuts the line without a word.
    func abort() {
        state.value.abandoned = true
        state.value.channel?.close(promise: nil)
    }

    private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer) {
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
        state.value.channel?.writeAndFlush(frame, promise: nil)
    }
}
