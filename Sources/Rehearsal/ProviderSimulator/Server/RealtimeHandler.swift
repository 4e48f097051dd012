import NIOCore
import NIOWebSocket

/// The WebSocket end of a session: whole messages in, messages out, pings answered, the closing handshake.
final class RealtimeHandler: ChannelInboundHandler, SessionSink {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// A peer that does not answer our close frame is cut off after this.
    private static let closeTimeout = TimeAmount.seconds(2)

    private let shared: SimulatorContext
    private let number: Int
    private let model: String
    private var session: RealtimeSession?
    private var context: ChannelHandlerContext?
    private var sentClose: Int?
    private var receivedClose: Int?
    private var isReading = false
    /// Nothing is read or written any more.
    private var isFrozen = false

    init(shared: SimulatorContext, number: Int, model: String) {
        self.shared = shared
        self.number = number
        self.model = model
    }

    /// Added after the handshake has been answered, to a channel that is active.
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let session = RealtimeSession(
            context: shared, number: number, model: model, loop: context.eventLoop, sink: self)
        self.session = session
        session.start()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isFrozen else { return }
        let frame = unwrapInboundIn(data)
        isReading = true
        switch frame.opcode {
        case .text, .binary:
            guard sentClose == nil else { return }
            session?.received(frame.unmaskedData)
        case .ping: write(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData))
        case .connectionClose: peerCloses(frame, context)
        default: break
        }
    }

    /// One flush for all that a burst of messages caused.
    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        context.flush()
    }

    private func peerCloses(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
        var data = frame.unmaskedData
        let code = data.readInteger(as: UInt16.self)
        receivedClose = code.map { Int($0) } ?? 1_005
        guard sentClose == nil else { return context.close(promise: nil) }
        sentClose = receivedClose
        var answer = ByteBuffer()
        if let code { answer.writeInteger(code) }
        write(WebSocketFrame(fin: true, opcode: .connectionClose, data: answer))
        context.flush()
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { session?.writable() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as NIOWebSocketError: close(code: error == .invalidFrameLength ? 1_009 : 1_002, reason: "")
        case is FrameGuard.Violation: close(code: 1_002, reason: "")
        case let error as NIOWebSocketFrameAggregator.Error: close(code: Self.code(of: error), reason: "")
        default: context.close(promise: nil)
        }
    }

    /// A client that closes is answered with its own code.
    private var endingSide: String {
        guard let sentClose else { return "cut" }
        return receivedClose == sentClose ? "client" : "simulator"
    }

    private static func code(of error: NIOWebSocketFrameAggregator.Error) -> UInt16 {
        switch error {
        case .accumulatedFrameSizeIsTooLarge, .tooManyFragments: 1_009
        case .nonFinalFragmentSizeIsTooSmall, .receivedNewFrameWithoutFinishingPrevious,
            .didReceiveFragmentBeforeReceivingTextOrBinaryFrame:
            1_002
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        session?.ended(code: sentClose ?? receivedClose, by: endingSide)
        session = nil
        self.context = nil
        context.fireChannelInactive()
    }

    // MARK: SessionSink

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func send(_ message: ByteBuffer) {
        guard sentClose == nil, !isFrozen, let context else { return }
        write(WebSocketFrame(fin: true, opcode: .text, data: message))
        if !context.channel.isWritable, unsentBytes(context) > SimulatorOptions.maximumUnsentBytes {
            return context.close(promise: nil)
        }
        if !isReading { context.flush() }
    }

    private func unsentBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    func close(code: UInt16, reason: String) {
        guard sentClose == nil, !isFrozen, let context else { return }
        sentClose = Int(code)
        var data = ByteBuffer()
        data.writeInteger(code)
        data.writeString(reason)
        write(WebSocketFrame(fin: true, opcode: .connectionClose, data: data))
        context.flush()
        let channel = context.channel
        context.eventLoop.scheduleTask(in: Self.closeTimeout) { channel.close(promise: nil) }
    }

    func cut() {
        if let context { SimulatorServer.reset(context.channel) }
    }

    func freeze() {
        isFrozen = true
        context?.flush()
        context?.channel.setOption(.autoRead, value: false).whenFailure { _ in }
    }

    private static let slowReadsPerSecond = 10

    func slow(toBytesPerSecond bytes: Int) {
        guard let channel = context?.channel else { return }
        let once = max(bytes / Self.slowReadsPerSecond, 1)
        let every = TimeAmount.milliseconds(Int64(1_000 / Self.slowReadsPerSecond))
        channel.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: once)).whenFailure { _ in }
        channel.setOption(.maxMessagesPerRead, value: 1).whenFailure { _ in }
        channel.setOption(.autoRead, value: false).whenFailure { _ in }
        channel.eventLoop.scheduleRepeatedTask(initialDelay: every, delay: every) { task in
            guard channel.isActive else { return task.cancel() }
            channel.read()
        }
    }

    private func write(_ frame: WebSocketFrame) {
        context?.write(wrapOutboundOut(frame), promise: nil)
    }
}
