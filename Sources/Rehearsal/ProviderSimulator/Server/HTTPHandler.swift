import NIOCore
import NIOHTTP1

/// Plain requests: the witness (`GET /sim/log`, `GET /sim/health`), faults (`/sim/faults`: `POST` adds, `PUT`
/// replaces, `GET` lists, `DELETE` clears) and the refusals of failed handshakes.
final class HTTPHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let server: SimulatorServer
    /// Longest body: a list of faults.
    private static let maximumBodyBytes = 1 << 20
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    /// A handshake is to be refused although nothing is wrong with it.
    var refusal: Gate.Refusal?

    init(server: SimulatorServer) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let bytes):
            guard body.count + bytes.readableBytes <= Self.maximumBodyBytes else { return context.close(promise: nil) }
            body += Array(buffer: bytes)
        case .end:
            guard let head else { return }
            self.head = nil
            let (status, body) = answer(head)
            respond(context, head, status, body)
        }
    }

    /// A failed upgrade is reported here as well; the request it came with is answered all the same.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError || error is IOError { context.close(promise: nil) }
    }

    private func answer(_ head: HTTPRequestHead) -> (HTTPResponseStatus, JSON) {
        let (path, query) = Gate.split(head.uri)
        switch path {
        case "/sim/log":
            guard head.method == .GET else { return (.methodNotAllowed, ["error": "GET only"]) }
            return (.ok, log(query))
        case "/sim/health":
            guard head.method == .GET else { return (.methodNotAllowed, ["error": "GET only"]) }
            return (.ok, server.health)
        case "/sim/faults": return faults(head.method)
        default:
            if let refusal { return refuse(refusal) }
            switch server.gate.verdict(on: head) {
            case .refuse(let refusal): return refuse(refusal)
            case .accept:
                return (.upgradeRequired, ["error": ["message": "Expected a WebSocket upgrade.", "code": .null]])
            }
        }
    }

    private func refuse(_ refusal: Gate.Refusal) -> (HTTPResponseStatus, JSON) {
        server.context.log.record(
            .refused, connection: 0,
            ["status": .integer(Int(refusal.status.code)), "code": .string(refusal.code)])
        return (refusal.status, refusal.body)
    }

    private func faults(_ method: HTTPMethod) -> (HTTPResponseStatus, JSON) {
        switch method {
        case .GET: break
        case .DELETE: server.context.faults.clear()
        case .POST, .PUT:
            do throws(SimulatorError) {
                let faults = try Fault.list(json: body)
                if method == .PUT { server.context.faults.clear() }
                for fault in faults where !server.inject(fault) {
                    return (.payloadTooLarge, ["error": "too many faults"])
                }
            } catch {
                if case .invalidFault(let reason) = error { return (.badRequest, ["error": .string(reason)]) }
                return (.badRequest, ["error": "invalid fault"])
            }
        default: return (.methodNotAllowed, ["error": "GET, POST, PUT or DELETE"])
        }
        return (.ok, ["faults": .array(server.context.faults.armed.map(\.json))])
    }

    /// `?after=SEQ&connection=N&kind=NAME`, each of them optional.
    private func log(_ query: [String: String]) -> JSON {
        let after = query["after"].flatMap { Int($0) } ?? 0
        let connection = query["connection"].flatMap { Int($0) }
        let kind = query["kind"]
        return .array(
            server.context.log.entries.filter {
                $0.sequence > after && (connection == nil || $0.connection == connection)
                    && (kind == nil || $0.kind.rawValue == kind)
            }.map(\.json))
    }

    private func respond(
        _ context: ChannelHandlerContext, _ request: HTTPRequestHead, _ status: HTTPResponseStatus, _ body: JSON
    ) {
        let bytes = ByteBuffer(bytes: body.bytes)
        var head = HTTPResponseHead(version: .http1_1, status: status)
        head.headers.add(name: "Content-Type", value: "application/json")
        head.headers.add(name: "Content-Length", value: String(bytes.readableBytes))
        // A refused handshake may not reuse its connection.
        let stays = request.isKeepAlive && request.headers["Upgrade"].isEmpty
        head.headers.add(name: "Connection", value: stays ? "keep-alive" : "close")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil) }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            if !stays { channel.close(promise: nil) }
        }
    }
}
