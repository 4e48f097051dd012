import EventLoops
import Synchronization
import Testing
import WebSockets

extension WebSocketsTests {
    /// TLS towards providers: the right name on a certificate of the right authority, and nothing else.
    @Suite(.timeLimit(.minutes(2)))
    struct SecureConnectingTests {
        let peer: ProviderPeer

        init() throws { peer = try ProviderPeer.shared.get() }

        private func story(
            _ context: WebSocketContext, server: String = "secure", host: String = "provider.test"
        ) async throws -> [Event] {
            let recorder = Recorder(
                whenOpened: { $0.send("hello") }, whenHeard: { socket, _ in socket.close(code: 1000, reason: "") })
            let target = WebSocketTarget(
                secure: true, host: host, address: "127.0.0.1", port: peer.ports[server] ?? 0, path: "/echo")
            _ = try await context.loop.run { Result { try context.connect(target, handler: recorder) } }.get()
            return await recorder.story()
        }

        private static let good: [Event] = [.opened, .text("hello"), .ended(.closed(code: 1000))]

        @Test("own authority and right name: in; another name, another authority, no TLS: out, each with its reason")
        func ownAuthority() async throws {
            try await withContext(trust: .file(peer.authority)) { (context: WebSocketContext) async throws -> Void in
                #expect(try await story(context) == Self.good)
                #expect(try await story(context, host: "127.0.0.1") == Self.good)
                #expect(try await story(context, host: "wrong.test") == [.ended(.failed(code: "tls: hostname"))])
                #expect(try await story(context, host: "127.0.0.2") == [.ended(.failed(code: "tls: hostname"))])
                #expect(try await story(context, server: "stranger") == [.ended(.failed(code: "tls: untrusted"))])
                #expect(try await story(context, server: "plain") == [.ended(.failed(code: "tls: handshake"))])
                // And none of the failures has spoilt the next one.
                #expect(try await story(context) == Self.good)
            }
        }

        @Test("the distribution's certificates do not vouch for a private authority")
        func systemTrust() async throws {
            try await withContext(trust: .system) { (context: WebSocketContext) async throws -> Void in
                #expect(try await story(context) == [.ended(.failed(code: "tls: untrusted"))])
            }
        }

        @Test("a certificate file that is not there or holds none is an error at the start")
        func badFile() throws {
            let loop = try EventLoop(index: 0)
            #expect(throws: WebSocketError.unreadableTrust(path: "/nonexistent.pem")) {
                _ = try WebSocketContext.makeAll(on: [loop], trust: .file("/nonexistent.pem"))
            }
            #expect(throws: WebSocketError.unreadableTrust(path: #filePath)) {
                _ = try WebSocketContext.makeAll(on: [try EventLoop(index: 1)], trust: .file(#filePath))
            }
        }

        @Test("four loops check certificates at the same time")
        func fourLoops() async throws {
            let loops = try (0..<4).map { try EventLoop(index: $0) }
            let contexts = try WebSocketContext.makeAll(on: loops, trust: .file(peer.authority))
            for loop in loops { loop.start() }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for context in contexts {
                    for round in 0..<6 {
                        group.addTask {
                            let host = round.isMultiple(of: 2) ? "provider.test" : "wrong.test"
                            let expected =
                                round.isMultiple(of: 2) ? Self.good : [.ended(.failed(code: "tls: hostname"))]
                            return try await story(context, host: host) == expected
                        }
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            for (loop, context) in zip(loops, contexts) {
                await loop.run { context.destroy() }
                await loop.stop()
            }
        }
    }
}
