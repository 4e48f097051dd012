import EventLoops
import Foundation
import Synchronization
import Testing
import WebSockets

extension WebSocketsTests {
    /// Against a server on Python's `websockets`.
    @Suite(.timeLimit(.minutes(2)))
    struct ConnectingTests {
        let peer: ProviderPeer

        init() throws { peer = try ProviderPeer.shared.get() }

        private func target(
            _ path: String, server: String = "plain", host: String = "provider.test", address: String = "127.0.0.1",
            headers: [(name: String, value: String)] = [], timeout: Duration = .seconds(10)
        ) -> WebSocketTarget {
            WebSocketTarget(
                secure: server == "secure" || server == "stranger", host: host, address: address,
                port: peer.ports[server] ?? 0, path: path, headers: headers, connectTimeout: timeout)
        }

        private func connect(
            _ context: WebSocketContext, _ target: WebSocketTarget, _ recorder: Recorder
        ) async throws -> WebSocket {
            try await context.loop.run { Result { try context.connect(target, handler: recorder) } }.get()
        }

        @Test("text and binary go both ways and the close code comes back")
        func echo() async throws {
            try await withContext { context in
                let recorder = Recorder(
                    whenOpened: { socket in
                        socket.send("grüß Gott")
                        socket.send(.binary, capacity: 300) { buffer in
                            for index in 0..<200 { buffer[index] = UInt8(index) }
                            return 200
                        }
                        socket.send(.binary, capacity: 300) { _ in 0 }
                    },
                    whenHeard: { socket, event in
                        if case .binary = event { socket.close(code: 1000, reason: "done") }
                    })
                _ = try await connect(context, target("/echo"), recorder)
                #expect(
                    await recorder.story() == [
                        .opened, .text("grüß Gott"), .binary((0..<200).map { UInt8($0) }), .ended(.closed(code: 1000)),
                    ])
                #expect(!recorder.wasCalledElsewhere)
                #expect(await context.loop.run { context.socketCount } == 0)
            }
        }

        @Test("path, query, host and headers arrive as they were given")
        func head() async throws {
            try await withContext { context in
                let recorder = Recorder()
                let key = String(repeating: "k", count: 1_500)
                _ = try await connect(
                    context,
                    target(
                        "/head?model=gpt-realtime&x=a%2Cb&y=1,2",
                        headers: [("Authorization", "Bearer \(key)"), ("OpenAI-Safety-Identifier", "p 1")]), recorder)
                guard case .text(let text) = await recorder.first(2).last else {
                    Issue.record("no answer")
                    return
                }
                let answer = try JSONDecoder().decode(Head.self, from: Data(text.utf8))
                #expect(answer.path == "/head?model=gpt-realtime&x=a%2Cb&y=1,2")
                #expect(answer.headers["authorization"] == "Bearer \(key)")
                #expect(answer.headers["openai-safety-identifier"] == "p 1")
                #expect(answer.headers["host"] == "provider.test:\(peer.ports["plain"] ?? 0)")
                #expect(answer.headers["sec-websocket-protocol"] == nil)
            }
        }

        private struct Head: Decodable {
            var path: String
            var headers: [String: String]
        }

        @Test("large messages, fragments and pings arrive whole")
        func messages() async throws {
            try await withContext { context in
                let large = Recorder()
                _ = try await connect(context, target("/text?bytes=1000000"), large)
                #expect(await large.first(2) == [.opened, .text(String(repeating: "ä", count: 500_000))])

                let pieces = Recorder()
                _ = try await connect(context, target("/fragments"), pieces)
                let whole = (0..<10).map { "piece \($0), " }.joined() + "end"
                #expect(await pieces.first(2) == [.opened, .text(whole)])

                let ping = Recorder()
                _ = try await connect(context, target("/ping"), ping)
                #expect(await ping.first(2) == [.opened, .text("pong came")])
            }
        }

        @Test("what a slow reader does not take waits in the queue and is sent in order")
        func backlog() async throws {
            try await withContext { context in
                let queued = Mutex(0)
                let recorder = Recorder(whenOpened: { socket in
                    for _ in 0..<60 {
                        socket.send(.binary, capacity: 100_000) { buffer in
                            buffer.initializeMemory(as: UInt8.self, repeating: 7)
                            return 100_000
                        }
                    }
                    queued.withLock { $0 = socket.queuedBytes }
                    socket.send("how many")
                })
                let socket = try await connect(context, target("/count"), recorder)
                #expect(await recorder.first(2) == [.opened, .text("6000000")])
                #expect(queued.withLock { $0 } > 0)
                #expect(await context.loop.run { socket.queuedBytes } == 0)
            }
        }

        @Test("a peer that never reads ends the connection once the queue is full")
        func queueLimit() async throws {
            var limits = WebSocketLimits()
            limits.providerQueueBytes = 1_000_000
            try await withContext(limits: limits) { context in
                let recorder = Recorder(whenOpened: { socket in
                    for _ in 0..<400 {
                        socket.send(.binary, capacity: 60_000) { buffer in
                            buffer.initializeMemory(as: UInt8.self, repeating: 7)
                            return 60_000
                        }
                    }
                })
                _ = try await connect(context, target("/deaf"), recorder)
                #expect(await recorder.story() == [.opened, .ended(.failed(code: "send_queue"))])
            }
        }

        @Test("the peer's close code and ours both arrive, with the reason")
        func closeCodes() async throws {
            try await withContext { context in
                for code: UInt16 in [1000, 1001, 1011, 4000, 4999] {
                    let recorder = Recorder()
                    _ = try await connect(context, target("/close?code=\(code)&reason=because"), recorder)
                    #expect(await recorder.story() == [.opened, .ended(.closed(code: code))])
                }
                for (code, reason): (UInt16, String) in [
                    (1000, "ende"), (4003, "ü"), (1012, String(repeating: "ä", count: 90)),
                ] {
                    let key = UUID().uuidString
                    let recorder = Recorder(whenOpened: { $0.close(code: code, reason: reason) })
                    _ = try await connect(context, target("/close-code?key=\(key)"), recorder)
                    #expect(await recorder.story() == [.opened, .ended(.closed(code: code))])
                    let asked = Recorder()
                    _ = try await connect(context, target("/closed?key=\(key)"), asked)
                    // 123 bytes at most, and no half character.
                    let cut = String(reason.prefix(61))
                    #expect(try await text(asked) == "[\(code), \(try json(cut))]")
                }
            }
        }

        private func text(_ recorder: Recorder) async throws -> String {
            guard case .text(let text) = await recorder.first(2).last else { return "" }
            return text
        }

        /// As Python writes it.
        private func json(_ text: String) throws -> String {
            "\"" + text.unicodeScalars.map { $0.isASCII ? String($0) : String(format: "\\u%04x", $0.value) }.joined()
                + "\""
        }

        @Test(
            "a status other than 101 is told as such and no redirect is followed",
            arguments: [400, 401, 403, 404, 429, 500, 503, 302])
        func refused(status: Int) async throws {
            try await withContext { context in
                let recorder = Recorder()
                _ = try await connect(context, target("/refuse?status=\(status)"), recorder)
                #expect(await recorder.story() == [.ended(.refused(status: status))])
            }
        }

        @Test("text that is no UTF-8 closes with 1007")
        func brokenText() async throws {
            try await withContext { context in
                let key = UUID().uuidString
                let recorder = Recorder()
                _ = try await connect(context, target("/broken-text?key=\(key)"), recorder)
                #expect(await recorder.story() == [.opened, .ended(.invalidUTF8)])
                let asked = Recorder()
                _ = try await connect(context, target("/closed?key=\(key)"), asked)
                #expect(try await text(asked).hasPrefix("[1007,"))
            }
        }

        @Test("a message over the limit closes with 1009")
        func tooBig() async throws {
            var limits = WebSocketLimits()
            limits.providerMessageBytes = 100_000
            try await withContext(limits: limits) { context in
                let fits = Recorder()
                _ = try await connect(context, target("/text?bytes=100000"), fits)
                #expect(await fits.first(2).count == 2)
                let recorder = Recorder()
                _ = try await connect(context, target("/text?bytes=100002"), recorder)
                #expect(await recorder.story() == [.opened, .ended(.tooBig)])
            }
        }

        @Test("a line that breaks, a port that nobody listens on and a server that says nothing each have their end")
        func failures() async throws {
            try await withContext { context in
                let dropped = Recorder()
                _ = try await connect(context, target("/drop"), dropped)
                #expect(await dropped.story() == [.opened, .ended(.closed(code: nil))])

                let nobody = Recorder()
                var target = self.target("/echo")
                target.port = 1
                _ = try await connect(context, target, nobody)
                #expect(await nobody.story() == [.ended(.failed(code: "connect"))])

                let silent = Recorder()
                _ = try await connect(
                    context, self.target("/echo", server: "hang", timeout: .milliseconds(100)), silent)
                #expect(await silent.story() == [.ended(.failed(code: "timeout"))])

                let closedEarly = Recorder()
                let socket = try await connect(context, self.target("/echo", server: "hang"), closedEarly)
                await context.loop.run { socket.close(code: 1000, reason: "") }
                #expect(await closedEarly.story() == [.ended(.closed(code: 1000))])
                #expect(await context.loop.run { context.socketCount } == 0)
            }
        }

        @Test("a half-open provider is pinged and given up; one that answers is kept")
        func halfOpen() async throws {
            var limits = WebSocketLimits()
            limits.providerPingAfter = .milliseconds(50)
            limits.providerDeadAfter = .milliseconds(150)
            try await withContext(limits: limits) { context in
                let deaf = Recorder()
                _ = try await connect(context, target("/deaf"), deaf)
                let alive = Recorder()
                let socket = try await connect(context, target("/echo"), alive)
                #expect(await alive.first(1) == [.opened])
                #expect(await deaf.story() == [.opened, .ended(.failed(code: "timeout"))])
                // Three times as long as a silent one would be left, without a word of ours.
                try await Task.sleep(for: .milliseconds(450))
                #expect(await context.loop.run { socket.isOpen })
            }
        }

        @Test("a provider that is asked for a sign of life and gives none is given up; one that answers is kept")
        func asked() async throws {
            try await withContext { context in
                let deaf = Recorder()
                let silent = try await connect(context, target("/deaf"), deaf)
                let alive = Recorder()
                let socket = try await connect(context, target("/echo"), alive)
                #expect(await alive.first(1) == [.opened])
                #expect(await deaf.first(1) == [.opened])
                await context.loop.run {
                    silent.ping(within: .milliseconds(200))
                    socket.ping(within: .milliseconds(200))
                }
                #expect(await deaf.story() == [.ended(.failed(code: "timeout"))])
                // Again, which needs the first one to be over.
                await context.loop.run { socket.ping(within: .milliseconds(100)) }
                try await Task.sleep(for: .milliseconds(250))
                #expect(await context.loop.run { socket.isOpen && socket.pingedAt == nil })
            }
        }

        @Test("closing a peer that does not answer takes no longer than it may")
        func closeWithin() async throws {
            var limits = WebSocketLimits()
            limits.closeWithin = .milliseconds(100)
            try await withContext(limits: limits) { context in
                let recorder = Recorder(whenOpened: { $0.close(code: 1000, reason: "bye") })
                _ = try await connect(context, target("/deaf"), recorder)
                #expect(await recorder.story() == [.opened, .ended(.closed(code: 1000))])
            }
        }

        @Test("a handler may connect again from its last event")
        func reconnect() async throws {
            try await withContext { context in
                let second = Recorder()
                let target = self.target("/echo")
                let first = Reconnecting(context: context, target: target, next: second)
                _ = try await context.loop.run {
                    Result { try context.connect(self.target("/close?code=1001"), handler: first) }
                }
                .get()
                #expect(await second.first(1) == [.opened])
            }
        }

        @Test("impossible targets are refused at once")
        func badTargets() async throws {
            try await withContext { context in
                var bad: [(WebSocketTarget, String)] = []
                var target = self.target("/echo")
                target.headers = [("X-Key", "a\r\nX-Other: b")]
                bad.append((target, "headers"))
                target = self.target("/echo")
                target.path = "echo"
                bad.append((target, "path"))
                target = self.target("/echo")
                target.host = "a b"
                bad.append((target, "host"))
                for (target, field) in bad {
                    let result = await context.loop.run {
                        Result { try context.connect(target, handler: Recorder()) }.map { _ in () }
                    }
                    #expect(throws: WebSocketError.badTarget(field)) { try result.get() }
                }
                // A name instead of an address: the library would resolve it on the loop; here it must not even try.
                #expect(await context.loop.run { context.socketCount } == 0)
            }
        }

        @Test("IPv6 works")
        func ipv6() async throws {
            try await withContext { context in
                let recorder = Recorder(
                    whenOpened: { $0.send("six") }, whenHeard: { socket, _ in socket.close(code: 1000, reason: "") })
                _ = try await connect(context, target("/echo", server: "plain6", address: "::1"), recorder)
                #expect(await recorder.story() == [.opened, .text("six"), .ended(.closed(code: 1000))])
            }
        }

        @Test("destroying the context ends what is open and what is connecting, once each")
        func destroy() async throws {
            let open = Recorder()
            let connecting = Recorder()
            try await withContext { context in
                _ = try await connect(context, target("/echo"), open)
                #expect(await open.first(1) == [.opened])
                _ = try await connect(context, target("/echo", server: "hang"), connecting)
            }
            #expect(await open.story() == [.ended(.closed(code: nil))])
            let end = await connecting.story()
            #expect(end.count == 1)
        }
    }
}

private final class Reconnecting: WebSocketHandler {
    let context: WebSocketContext
    let target: WebSocketTarget
    let next: Recorder

    init(context: WebSocketContext, target: WebSocketTarget, next: Recorder) {
        self.context = context
        self.target = target
        self.next = next
    }

    func webSocketOpened(_ socket: WebSocket) {}
    func webSocket(_ socket: WebSocket, received bytes: UnsafeRawBufferPointer, kind: MessageKind) {}
    func webSocket(_ socket: WebSocket, ended end: WebSocketEnd) {
        _ = try? context.connect(target, handler: next)
    }
}
