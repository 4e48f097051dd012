import NIOCore
import NIOWebSocket

/// Holds a client to what RFC 6455 demands of it and SwiftNIO's decoder lets pass: masked frames (section 5.1), no
/// extension bits, since none was agreed on (5.2), and short, whole control frames (5.5).
final class FrameGuard: ChannelInboundHandler {
    /// A peer that breaks these rules is closed with 1002.
    enum Violation: Error { case brokenRule }

    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketFrame

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        let isControl = frame.opcode == .ping || frame.opcode == .pong || frame.opcode == .connectionClose
        guard frame.maskKey != nil, !frame.rsv1, !frame.rsv2, !frame.rsv3,
            !isControl || (frame.fin && frame.length <= 125)
        else {
            context.fireErrorCaught(Violation.brokenRule)
            return
        }
        context.fireChannelRead(data)
    }
}
