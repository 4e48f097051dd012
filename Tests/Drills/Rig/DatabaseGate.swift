import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy between one daemon and its database that can be shut: then lines are cut and new ones refused at once, as
/// by a host without that service.
package final class DatabaseGate: Sendable {
    package let port: Int
    private let listener: any Channel
    private let lines = GateLines()

    package init(to port: Int) async throws {
        let lines = lines
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { near in
                guard lines.add(near) else { return near.eventLoop.makeFailedFuture(ChannelError.inputClosed) }
                return ClientBootstrap(group: near.eventLoop)
                    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .channelInitializer { far in
                        far.eventLoop.makeCompletedFuture {
                            try far.pipeline.syncOperations.addHandler(GateHandler(to: near))
                        }
                    }
                    .connect(host: "127.0.0.1", port: port)
                    .flatMap { far in
                        near.eventLoop.makeCompletedFuture {
                            try near.pipeline.syncOperations.addHandler(GateHandler(to: far))
                        }
                    }
                    .flatMap { near.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = listener.localAddress?.port ?? 0
    }

    package func shut() { lines.shut() }
    package func open() { lines.open() }

    package func close() async {
        lines.shut()
        try? await listener.close()
    }
}

private final class GateLines: Sendable {
    private let state = Mutex<(isOpen: Bool, lines: [any Channel])>((true, []))

    /// False: the gate is shut.
    func add(_ line: any Channel) -> Bool {
        state.withLock { state in
            guard state.isOpen else { return false }
            state.lines.removeAll { !$0.isActive && !$0.isWritable }
            state.lines.append(line)
            return true
        }
    }

    func open() { state.withLock { $0.isOpen = true } }

    func shut() {
        let open = state.withLock { state in
            defer { state = (false, []) }
            return state.lines
        }
        for line in open { line.close(promise: nil) }
    }
}

private final class GateHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let other: any Channel

    init(to other: any Channel) { self.other = other }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }
    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
