import NIOCore
import NIOPosix
import ParticipantLoad

/// A TCP proxy between participant and daemon that loses one audio frame on the way up: the sabotage of the call drill.
final class FaultyLink: Sendable {
    private let listener: any Channel
    let address: Address

    init(to target: Address, droppingFrame number: Int) async throws {
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { near in
                ClientBootstrap(group: near.eventLoop)
                    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .channelInitializer { far in
                        far.eventLoop.makeCompletedFuture {
                            try far.pipeline.syncOperations.addHandler(PipeHandler(to: near, tamper: nil))
                        }
                    }
                    .connect(host: target.host, port: target.port)
                    .flatMap { far in
                        near.eventLoop.makeCompletedFuture {
                            let tamper = FrameTamper(dropping: number)
                            try near.pipeline.syncOperations.addHandler(PipeHandler(to: far, tamper: tamper))
                        }
                    }
                    .flatMap { near.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = try Address("ws://127.0.0.1:\(listener.localAddress?.port ?? 0)")
    }

    func close() async { try? await listener.close() }
}

private final class PipeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private var tamper: FrameTamper?

    init(to other: any Channel, tamper: FrameTamper?) {
        self.other = other
        self.tamper = tamper
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        if tamper != nil, let bytes = buffer.readBytes(length: buffer.readableBytes) {
            buffer = ByteBuffer(bytes: tamper?.pass(bytes) ?? bytes)
        }
        if buffer.readableBytes > 0 { other.writeAndFlush(buffer, promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
