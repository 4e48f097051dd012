import EventLoops
import InterviewCore
import Logging
import Ports
import Synchronization
import TestKit
import Testing
import WebSocketTransport
import WebSockets
import WireFormats

/// A door with loops behind it, a token authority that believes everything and an admission that does as the session's
/// id says.
final class Door: Sendable {
    let loops: [EventLoop]
    let contexts: [WebSocketContext]
    let admission: ScriptedAdmission
    let acceptor: Acceptor
    let port: UInt16
    private let refusalLog: RefusalLog
    private let relayEvents = AsyncStream<RelayEvent>.makeStream()
    fileprivate let doorLoop: EventLoop

    static func with<Result: Sendable>(
        loops count: Int = 1, probe: (any FramePathProbe)? = nil,
        _ configure: (inout AcceptorSettings) -> Void = { _ in }, _ body: (Door) async throws -> Result
    ) async throws -> Result {
        let door = try await Door(loops: count, probe: probe, configure)
        do {
            let result = try await body(door)
            await door.close()
            return result
        } catch {
            await door.close()
            throw error
        }
    }

    private init(
        loops count: Int, probe: (any FramePathProbe)?, _ configure: (inout AcceptorSettings) -> Void
    ) async throws {
        var settings = AcceptorSettings(host: "127.0.0.1", port: 0, origins: ["https://page.test"])
        configure(&settings)
        let loops = try (0..<count).map { try EventLoop(index: $0, framePathProbe: probe) }
        let contexts = try WebSocketContext.makeAll(on: loops, trust: .system)
        doorLoop = try EventLoop(index: count)
        for loop in loops + [doorLoop] { loop.start() }
        admission = ScriptedAdmission(loops: loops)
        let refusals = RefusalLog()
        acceptor = Acceptor(
            settings: settings, loop: doorLoop, tokens: BelievingAuthority(), admission: admission,
            context: { contexts.indices.contains($0) ? contexts[$0] : nil },
            observer: { code in refusals.codes.withLock { $0.append(code) } },
            relayObserver: { [relayEvents] in relayEvents.continuation.yield($0) }, log: Logger(label: "door"))
        port = UInt16(try await acceptor.start())
        self.loops = loops
        self.contexts = contexts
        self.refusalLog = refusals
    }

    private func close() async {
        await acceptor.stop()
        for context in contexts {
            await withCheckedContinuation { continuation in
                context.loop.post {
                    context.destroy()
                    continuation.resume()
                }
            }
        }
        for loop in loops + [doorLoop] { await loop.stop() }
    }

    /// Codes of what the door refused by itself.
    var refusals: [String] { refusalLog.codes.withLock { $0 } }

    func nextRelayEvent() async -> RelayEvent? {
        for await event in relayEvents.stream { return event }
        return nil
    }

    /// Asks other processes from this door's loop.
    var line: OwnerLine { OwnerLine(loop: doorLoop) }

    // MARK: Clients

    static func head(
        session: String = "known", token: String? = "good.known.join", extra: String = "",
        subprotocols: String? = "voiced.v1", path: String? = nil
    ) -> String {
        "GET \(path ?? "/v1/sessions/\(session)/media") HTTP/1.1\r\nHost: media.test\r\nUpgrade: websocket\r\n"
            + "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            + (subprotocols.map { "Sec-WebSocket-Protocol: \($0)\r\n" } ?? "")
            + (token.map { "Authorization: Bearer \($0)\r\n" } ?? "") + extra + "\r\n"
    }

    func client(_ request: String, receiveBuffer: Int32? = nil) throws -> RawClient {
        let client = try RawClient.connect(port: port, receiveBuffer: receiveBuffer)
        try client.write(request)
        return client
    }

    /// What the door answers to `request`, with everything up to the end of the connection.
    func answer(_ request: String) throws -> String { try client(request).readToEnd() }

    /// Through the door, `hello` said, the session's side in hand.
    func joined(
        session: String = "known", hello: Hello = Door.hello, receiveBuffer: Int32? = nil
    ) async throws -> (RawClient, FakeSession) {
        let client = try client(
            Self.head(session: session, token: "good.\(session).join"), receiveBuffer: receiveBuffer)
        _ = try client.readHead()
        try client.write(RawClient.frame(1, ParticipantCodec.encode(.hello(hello))))
        let fake = await admission.nextSession()
        #expect(await fake.next() == .took(hello))
        return (client, fake)
    }

    static let hello = Hello(up: .opus, down: .opus, client: "page-1", agent: "test")
}

final class RefusalLog: Sendable {
    let codes = Mutex<[String]>([])
}

/// `good.SESSION.SCOPE`, with whatever behind a third dot.
struct BelievingAuthority: TokenAuthority {
    func sign(_ claims: TokenClaims, lifetime: Duration) async throws(TokenError) -> String {
        "good.\(claims.session).\(claims.scope.rawValue)"
    }

    func verify(_ token: String) async throws(TokenError) -> TokenClaims {
        let parts = token.split(separator: ".", maxSplits: 3)
        guard parts.count >= 3, parts[0] == "good" else { throw .malformed }
        guard let session = SessionID(parts[1]), let scope = TokenScope(rawValue: String(parts[2])) else {
            throw .malformed
        }
        return TokenClaims(participant: "p", session: session, scope: scope)
    }
}

extension Door {
    /// A second door on the same loops.
    func another(_ settings: AcceptorSettings) -> Acceptor {
        let contexts = contexts
        return Acceptor(
            settings: settings, loop: doorLoop, tokens: BelievingAuthority(), admission: admission,
            context: { contexts.indices.contains($0) ? contexts[$0] : nil }, observer: { _ in },
            log: Logger(label: "door"))
    }

    func on<Result: Sendable>(_ loop: EventLoop, _ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in loop.post { continuation.resume(returning: body()) } }
    }
}

/// What a scripted peer says; named by its beginning only.
struct Said: Sendable, ExpressibleByStringInterpolation, CustomTestStringConvertible {
    var text: String
    init(stringLiteral text: String) { self.text = text }
    var testDescription: String { String(reflecting: String(text.prefix(60))) }
}
