import NIOCore
import NIOPosix
import ParticipantLoad
import Synchronization

/// A TCP proxy between participant and daemon that can stop reading what the daemon sends, as a stalled network does:
/// with a small window, so that the daemon's kernel knows of it at once.
final class SlowLink: Sendable {
    private let listener: any Channel
    private let far: FarLines
    let address: Address
    /// Bytes of the receive window; the smallest that kernels keep is about as large.
    private static let window = 4_096

    init(to target: Address) async throws {
        let far = FarLines()
        self.far = far
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { near in
                ClientBootstrap(group: near.eventLoop)
                    .channelOption(.socketOption(.so_rcvbuf), value: .init(Self.window))
                    .channelInitializer { channel in
                        far.add(channel)
                        return channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(ForwardHandler(to: near))
                        }
                    }
                    .connect(host: target.host, port: target.port)
                    .flatMap { channel in
                        near.eventLoop.makeCompletedFuture {
                            try near.pipeline.syncOperations.addHandler(ForwardHandler(to: channel))
                        }
                    }
                    .flatMap { near.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = try Address("ws://127.0.0.1:\(listener.localAddress?.port ?? 0)")
    }

    /// Of every line that is open now.
    func reads(_ on: Bool) async throws {
        for channel in far.all where channel.isActive { try await channel.setOption(.autoRead, value: on).get() }
    }

    func close() async { try? await listener.close() }
}

/// The proxy's lines to the daemon.
private final class FarLines: Sendable {
    private let channels = Mutex<[any Channel]>([])
    var all: [any Channel] { channels.withLock { $0 } }
    func add(_ channel: any Channel) { channels.withLock { $0.append(channel) } }
}

private final class ForwardHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let other: any Channel

    init(to other: any Channel) { self.other = other }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }
    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
