import NIOCore
import NIOHTTP1
import NIOPosix

/// One HTTP answer; `body` at most 1 MiB.
package struct HTTPAnswer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Asks one question on one connection and closes it: for REST, probes and the simulator's control endpoint.
package struct HTTPRequester: Sendable {
    package static let largestBodyBytes = 1 << 20
    private let group: any EventLoopGroup
    private let timeout: Duration

    package init(group: any EventLoopGroup, timeout: Duration = .seconds(10)) {
        self.group = group
        self.timeout = timeout
    }

    package func get(
        _ address: Address, _ path: String, headers: [(String, String)] = []
    ) async throws(ParticipantLoadError) -> HTTPAnswer {
        try await ask(.GET, address, path, headers: headers, body: [])
    }

    package func post(
        _ address: Address, _ path: String, headers: [(String, String)] = [], body: [UInt8]
    ) async throws(ParticipantLoadError) -> HTTPAnswer {
        try await ask(.POST, address, path, headers: headers, body: body)
    }

    package func put(
        _ address: Address, _ path: String, headers: [(String, String)] = [], body: [UInt8]
    ) async throws(ParticipantLoadError) -> HTTPAnswer {
        try await ask(.PUT, address, path, headers: headers, body: body)
    }

    private func ask(
        _ method: HTTPMethod, _ address: Address, _ path: String, headers extra: [(String, String)], body: [UInt8]
    ) async throws(ParticipantLoadError) -> HTTPAnswer {
        var headers = HTTPHeaders(extra)
        headers.add(name: "Host", value: address.authority)
        headers.add(name: "Connection", value: "close")
        if method == .POST || method == .PUT {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(body.count))
        }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: address.path + path, headers: headers)
        let loop = group.next()
        let promise = loop.makePromise(of: HTTPAnswer.self)
        let nanoseconds = TimeAmount(timeout)
        let connecting = ClientBootstrap(group: loop)
            .connectTimeout(nanoseconds)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(AnswerHandler(head, body, promise))
                }
            }
            .connect(host: address.host, port: address.port)
        connecting.whenFailure { promise.fail($0) }
        connecting.whenSuccess { channel in promise.futureResult.whenComplete { _ in channel.close(promise: nil) } }
        let deadline = loop.scheduleTask(in: nanoseconds) { promise.fail(Late()) }
        do {
            let answer = try await promise.futureResult.get()
            deadline.cancel()
            return answer
        } catch {
            deadline.cancel()
            throw .unreachable(code: LinkFailure.name(error))
        }
    }
}

struct Late: Error {}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let head: HTTPRequestHead
    private let requestBody: [UInt8]
    private let promise: EventLoopPromise<HTTPAnswer>
    private var answer: HTTPAnswer?

    init(_ head: HTTPRequestHead, _ body: [UInt8], _ promise: EventLoopPromise<HTTPAnswer>) {
        self.head = head
        requestBody = body
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !requestBody.isEmpty {
            let buffer = context.channel.allocator.buffer(bytes: requestBody)
            context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            answer = HTTPAnswer(
                status: Int(head.status.code), headers: head.headers.map { ($0.name, $0.value) }, body: [])
        case .body(let buffer):
            answer?.body.append(contentsOf: buffer.readableBytesView)
            if answer?.body.count ?? 0 > HTTPRequester.largestBodyBytes {
                promise.fail(Late())
                context.close(promise: nil)
            }
        case .end:
            if let answer { promise.succeed(answer) }
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { promise.fail(ChannelError.eof) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
