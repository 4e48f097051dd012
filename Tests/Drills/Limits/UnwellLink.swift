import NIOCore
import NIOPosix
import ParticipantLoad
import Synchronization

/// A TCP proxy between participant and daemon that can stop reading what the daemon sends, as a stalled network does:
/// with a small window, so that the daemon's kernel knows of it at once. It can also fall silent towards the daemon, as a
/// line does whose other end has vanished.
final class UnwellLink: Sendable {
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
                let silence = Silence()
                return ClientBootstrap(group: near.eventLoop)
                    .channelOption(.socketOption(.so_rcvbuf), value: .init(Self.window))
                    .channelInitializer { channel in
                        far.add(channel, silence)
                        return channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(ForwardHandler(to: near))
                        }
                    }
                    .connect(host: target.host, port: target.port)
                    .flatMap { channel in
                        near.eventLoop.makeCompletedFuture {
                            try near.pipeline.syncOperations.addHandler(
                                ForwardHandler(to: channel, unless: silence))
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

    /// Nothing more reaches the daemon on the lines that are open now, no close either.
    func mute() { for silence in far.silences { silence.begin() } }

    func close() async {
        try? await listener.close()
        for channel in far.all { channel.close(promise: nil) }
    }
}

/// The proxy's lines to the daemon.
private final class FarLines: Sendable {
    private let lines = Mutex<[(channel: any Channel, silence: Silence)]>([])
    var all: [any Channel] { lines.withLock { $0.map(\.channel) } }
    var silences: [Silence] { lines.withLock { $0.map(\.silence) } }
    func add(_ channel: any Channel, _ silence: Silence) { lines.withLock { $0.append((channel, silence)) } }
}

/// Once it has begun, one direction of a line passes nothing on.
private final class Silence: Sendable {
    private let begun = Atomic(false)
    func begin() { begun.store(true, ordering: .relaxed) }
    var hasBegun: Bool { begun.load(ordering: .relaxed) }
}

private final class ForwardHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let other: any Channel
    private let silence: Silence?

    init(to other: any Channel, unless silence: Silence? = nil) {
        self.other = other
        self.silence = silence
    }

    private var passes: Bool { silence?.hasBegun != true }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if passes { other.writeAndFlush(unwrapInboundIn(data), promise: nil) }
    }
    func channelInactive(context: ChannelHandlerContext) { if passes { other.close(promise: nil) } }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
