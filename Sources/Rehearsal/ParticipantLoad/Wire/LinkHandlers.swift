import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// Names of what ends a line, without anything that a peer wrote.
enum LinkFailure: Error {
    /// 101 without our subprotocol, or with another.
    case subprotocol

    static func name(_ error: any Error) -> String {
        switch error {
        case is Late: "timeout"
        case is ParticipantLoadError: String(describing: error)
        case LinkFailure.subprotocol: "subprotocol"
        case let error as IOError: "errno \(error.errnoCode)"
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { name($0.error) } ?? "dns"
        case let error as ChannelError:
            switch error {
            case .connectTimeout: "timeout"
            case .eof, .ioOnClosedChannel, .alreadyClosed: "closed"
            default: "channel"
            }
        case is NIOHTTPClientUpgradeError: "upgrade"
        case is NIOWebSocketError: "websocket"
        default: "other"
        }
    }
}

/// Asks for the upgrade and reads a refusal; gone once the upgrade has succeeded.
final class OpeningHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private static let largestBodyBytes = 4_096
    private let head: HTTPRequestHead
    private let report: (LinkEvent) -> Void
    private var refusal: HTTPResponseHead?
    private var body: [UInt8] = []

    init(_ head: HTTPRequestHead, _ report: @escaping (LinkEvent) -> Void) {
        self.head = head
        self.report = report
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): refusal = head
        case .body(let buffer):
            body.append(contentsOf: buffer.readableBytesView.prefix(Self.largestBodyBytes - body.count))
        case .end: finish(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if refusal != nil { finish(context) } else { report(.failed("closed")) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        report(.failed(LinkFailure.name(error)))
        context.close(promise: nil)
    }

    private struct Body: Decodable { var code: String }

    private func finish(_ context: ChannelHandlerContext) {
        guard let refusal else { return }
        let code = (try? JSONDecoder().decode(Body.self, from: Data(body)))?.code
        let seconds = refusal.headers.first(name: "retry-after").flatMap { Int64($0) }
        report(
            .refused(
                status: Int(refusal.status.code), code: code ?? "none",
                retryAfter: seconds.map { .seconds(min(max($0, 0), 3_600)) }))
        context.close(promise: nil)
    }
}

/// An open line: messages up, pings answered, the close frame understood.
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let report: (LinkEvent) -> Void

    init(_ report: @escaping (LinkEvent) -> Void) { self.report = report }

    func handlerAdded(context: ChannelHandlerContext) { report(.opened) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text: report(.text(frame.unmaskedData))
        case .binary: report(.binary(frame.unmaskedData))
        case .pong: report(.pong(frame.unmaskedData))
        case .ping: answer(context, .pong, frame.unmaskedData)
        case .connectionClose:
            var payload = frame.unmaskedData
            let code = payload.readInteger(as: UInt16.self)
            // RFC 6455 section 5.5.1: the answer repeats the code.
            answer(context, .connectionClose, code.map { ByteBuffer(integer: $0) } ?? ByteBuffer())
            report(.closed(code: code.map(Int.init)))
            context.close(promise: nil)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) { report(.closed(code: nil)) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        report(.failed(LinkFailure.name(error)))
        context.close(promise: nil)
    }

    private func answer(_ context: ChannelHandlerContext, _ opcode: WebSocketOpcode, _ data: ByteBuffer) {
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }
}
