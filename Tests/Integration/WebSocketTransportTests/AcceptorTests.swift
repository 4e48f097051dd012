import EventLoops
import Foundation
import InterviewCore
import Ports
import TestKit
import Testing
import WebSocketTransport
import WebSockets
import WireFormats

extension WebSocketTransportTests {
    @Suite(.timeLimit(.minutes(2)))
    struct AcceptorTests {
        @Test("a token in the header opens the door, on the loop that admission named")
        func bearer() async throws {
            let known = try #require(SessionID("known"))
            try await Door.with(loops: 2) { (door: Door) async throws -> Void in
                for loop in 0..<2 {
                    let (client, session) = try await door.joined()
                    #expect(session.loop.index == loop)
                    #expect(
                        await door.admission.nextQuestion()
                            == .init(
                                claims: TokenClaims(participant: "p", session: known, scope: .join),
                                purpose: .join))
                    await session.with { $0.send(.state(.listening)) }
                    #expect(try client.readFrame()?.text == #"{"type":"state","state":"listening"}"#)
                    #expect(!session.wasCalledElsewhere)
                }
                #expect(await door.acceptor.waiting == 0)
                #expect(door.refusals.isEmpty)
            }
        }

        @Test(
            "a token as a subprotocol passes, however long, and never reaches the answer", arguments: [20, 400, 4_000])
        func subprotocolToken(length: Int) async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let token = "good.known.join." + String(repeating: "x", count: length - 16)
                for list in ["voiced.v1, bearer.\(token)", "bearer.\(token),voiced.v1"] {
                    let client = try door.client(Door.head(token: nil, subprotocols: list))
                    let head = try client.readHead()
                    #expect(head.hasPrefix("HTTP/1.1 101 "))
                    #expect(head.contains("Sec-WebSocket-Protocol: voiced.v1\r\n"))
                    #expect(!head.contains("bearer"))
                }
            }
        }

        @Test("a token in the query passes only where that is allowed")
        func queryToken() async throws {
            let request = Door.head(token: nil, path: "/v1/sessions/known/media?a=b&token=good.known.join")
            try await Door.with { (door: Door) async throws -> Void in
                #expect(try door.answer(request).hasPrefix("HTTP/1.1 401 "))
            }
            try await Door.with({ $0.tokenInQuery = true }) { (door: Door) async throws -> Void in
                #expect(try door.client(request).readHead().hasPrefix("HTTP/1.1 101 "))
            }
        }

        @Test("bytes that come behind the head reach the session, also in small pieces")
        func pipelined() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let hello = RawClient.frame(1, ParticipantCodec.encode(.hello(Door.hello)))
                let client = try RawClient.connect(port: door.port)
                try client.write(Array(Door.head().utf8) + hello)
                let session = await door.admission.nextSession()
                #expect(await session.next() == .took(Door.hello))
                #expect(try client.readHead().hasPrefix("HTTP/1.1 101 "))

                let slow = try RawClient.connect(port: door.port)
                for byte in Door.head().utf8 { try slow.write([byte]) }
                #expect(try slow.readHead().hasPrefix("HTTP/1.1 101 "))
            }
        }

        private static let origin = "Origin: https://page.test\r\n"

        struct Case: Sendable, CustomTestStringConvertible {
            var name: String
            var request: String
            var status: Int
            var code: String
            var header: String?
            var testDescription: String { name }
        }

        private static let refused: [Case] = [
            Case(
                name: "origin before all", request: Door.head(token: nil, extra: "Origin: https://evil.test\r\n"),
                status: 403, code: "origin"),
            Case(
                name: "origin null", request: Door.head(extra: "Origin: null\r\n"), status: 403, code: "origin"),
            Case(name: "no subprotocol", request: Door.head(subprotocols: nil), status: 400, code: "subprotocol"),
            Case(
                name: "other subprotocol",
                request: Door.head(token: nil, subprotocols: "voiced.v2, bearer.good.known.join"),
                status: 400, code: "subprotocol"),
            Case(name: "no token", request: Door.head(token: nil), status: 401, code: "token"),
            Case(name: "bad token", request: Door.head(token: "evil.known.join"), status: 401, code: "token"),
            Case(
                name: "basic", request: Door.head(token: nil, extra: "Authorization: Basic eDp5\r\n"), status: 401,
                code: "token"),
            Case(
                name: "too long a token",
                request: Door.head(token: "good.known.join." + String(repeating: "x", count: 4_200)),
                status: 401, code: "token"),
            Case(
                name: "another session's token", request: Door.head(token: "good.other.join"), status: 401,
                code: "token"),
            Case(
                name: "unknown session", request: Door.head(session: "unknown", token: "good.unknown.join"),
                status: 404,
                code: "unknown_session"),
            Case(
                name: "ended session", request: Door.head(session: "ended", token: "good.ended.join"), status: 410,
                code: "ended"),
            Case(
                name: "full", request: Door.head(session: "full", token: "good.full.join"), status: 503, code: "full",
                header: "Retry-After: 7"),
            Case(name: "another path", request: Door.head(path: "/v1/sessions/known"), status: 404, code: "path"),
            Case(
                name: "a path with dots", request: Door.head(path: "/v1/sessions/../media"), status: 404, code: "path"),
            Case(
                name: "no session", request: Door.head(path: "/v1/sessions//media"), status: 404, code: "path"),
            Case(
                name: "method", request: Door.head().replacingOccurrences(of: "GET ", with: "POST "), status: 405,
                code: "method", header: "Allow: GET, OPTIONS"),
            Case(
                name: "no connection header",
                request: Door.head().replacingOccurrences(of: "Connection: Upgrade\r\n", with: ""),
                status: 400, code: "upgrade"),
            Case(
                name: "version 8", request: Door.head().replacingOccurrences(of: "Version: 13", with: "Version: 8"),
                status: 426, code: "websocket_version", header: "Sec-WebSocket-Version: 13"),
            Case(
                name: "short key",
                request: Door.head().replacingOccurrences(of: "dGhlIHNhbXBsZSBub25jZQ==", with: "dGhl"),
                status: 400, code: "upgrade"),
            Case(
                name: "key that is no base64",
                request: Door.head().replacingOccurrences(
                    of: "dGhlIHNhbXBsZSBub25jZQ==", with: "dGhlIHNhb?BsZSBub25jZQ=="),
                status: 400, code: "upgrade"),
            Case(name: "HTTP/1.0", request: "GET / HTTP/1.0\r\n\r\n", status: 505, code: "http_version"),
            Case(name: "garbage", request: "\u{16}\u{3}\u{1}\u{2}\u{0}", status: 400, code: "bad_request"),
            Case(
                name: "two hosts", request: Door.head(extra: "Host: other.test\r\n"), status: 400, code: "bad_request"),
            Case(
                name: "head too large",
                request: Door.head(extra: "X: " + String(repeating: "x", count: 9_000) + "\r\n"),
                status: 431, code: "head_too_large"),
            Case(
                name: "too many headers", request: Door.head(extra: String(repeating: "x: y\r\n", count: 70)),
                status: 431,
                code: "head_too_large"),
        ]

        @Test(
            "every refusal has its status, its code in JSON, its headers and the end of the connection",
            arguments: refused)
        func refusal(_ one: Case) async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let answer = try door.answer(one.request)
                #expect(answer.hasPrefix("HTTP/1.1 \(one.status) "))
                let parts = answer.components(separatedBy: "\r\n\r\n")
                try #require(parts.count == 2)
                let body = try JSONDecoder().decode(Body.self, from: Data(parts[1].utf8))
                #expect(body.code == one.code)
                #expect(!body.message.isEmpty)
                #expect(parts[0].contains("\r\nContent-Length: \(parts[1].utf8.count)\r\n"))
                #expect(parts[0].contains("\r\nContent-Type: application/json\r\n"))
                if let header = one.header { #expect(parts[0].contains("\r\n\(header)\r\n")) }
                #expect(parts[0].contains("\r\nAccess-Control-Allow-Origin:") == false)
            }
        }

        private struct Body: Decodable {
            var code: String
            var message: String
        }

        @Test("who only asks gets the same answer, readable by its page, and takes no place")
        func probing() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                func ask(_ session: String, token: String?, origin: String? = "https://page.test") throws -> String {
                    try door.answer(
                        "GET /v1/sessions/\(session)/media HTTP/1.1\r\nHost: a\r\n"
                            + (origin.map { "Origin: \($0)\r\n" } ?? "")
                            + (token.map { "Authorization: Bearer \($0)\r\n" } ?? "") + "\r\n")
                }
                let fine = try ask("known", token: "good.known.rejoin")
                #expect(fine.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(fine.hasSuffix("\r\n\r\n{\"join\":true}"))
                #expect(fine.contains("\r\nAccess-Control-Allow-Origin: https://page.test\r\n"))
                #expect(fine.contains("\r\nVary: Origin\r\n"))
                #expect(await door.admission.nextQuestion().purpose == .probe)

                let full = try ask("full", token: "good.full.join")
                #expect(full.hasPrefix("HTTP/1.1 503 "))
                #expect(full.contains("\r\nRetry-After: 7\r\n"))
                #expect(full.contains("\r\nAccess-Control-Allow-Origin: https://page.test\r\n"))
                #expect(full.contains("\r\nAccess-Control-Expose-Headers: Retry-After\r\n"))

                #expect(try ask("known", token: nil).hasPrefix("HTTP/1.1 401 "))
                #expect(
                    try ask("known", token: "good.known.join", origin: "https://evil.test").hasPrefix("HTTP/1.1 403 "))
                let program = try ask("known", token: "good.known.join", origin: nil)
                #expect(program.hasPrefix("HTTP/1.1 200 "))
                #expect(!program.contains("Access-Control-Allow-Origin"))
                for context in door.contexts {
                    #expect(await door.on(context.loop) { context.socketCount } == 0)
                }
            }
        }

        @Test("a preflight is answered for allowed pages only; a star lets all in")
        func preflight() async throws {
            func preflight(_ origin: String) -> String {
                "OPTIONS /v1/sessions/known/media HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\n"
                    + "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\n\r\n"
            }
            try await Door.with { (door: Door) async throws -> Void in
                let answer = try door.answer(preflight("https://page.test"))
                #expect(answer.hasPrefix("HTTP/1.1 204 No Content\r\n"))
                #expect(answer.contains("\r\nAccess-Control-Allow-Origin: https://page.test\r\n"))
                #expect(answer.contains("\r\nAccess-Control-Allow-Headers: authorization\r\n"))
                #expect(try door.answer(preflight("https://evil.test")).hasPrefix("HTTP/1.1 403 "))
            }
            try await Door.with({ $0.origins = ["*"] }) { (door: Door) async throws -> Void in
                let answer = try door.answer(preflight("https://anybody.test"))
                #expect(answer.contains("\r\nAccess-Control-Allow-Origin: https://anybody.test\r\n"))
            }
        }

        @Test("a head that does not come in time is answered 408, one that trickles as well")
        func slowHead() async throws {
            try await Door.with({ $0.headDeadline = .milliseconds(150) }) { (door: Door) async throws -> Void in
                #expect(try door.answer("GET / HTTP/1.1\r\n").hasPrefix("HTTP/1.1 408 "))
                let trickling = try RawClient.connect(port: door.port)
                let writing = Task {
                    for byte in Door.head().utf8 {
                        guard (try? trickling.write([byte])) != nil else { return }
                        try? await Task.sleep(for: .milliseconds(20))
                    }
                }
                #expect(try trickling.readToEnd().hasPrefix("HTTP/1.1 408 "))
                writing.cancel()
                #expect(door.refusals == ["slow", "slow"])
            }
        }

        @Test("too many at the door are sent away, and those before them are still served")
        func crowded() async throws {
            try await Door.with({ $0.mostWaiting = 3 }) { (door: Door) async throws -> Void in
                var waiting: [RawClient] = []
                for _ in 0..<3 {
                    let client = try RawClient.connect(port: door.port)
                    try client.write("GET ")
                    waiting.append(client)
                }
                while await door.acceptor.waiting < 3 { await Task.yield() }
                let answer = try door.answer(Door.head())
                #expect(answer.hasPrefix("HTTP/1.1 503 "))
                #expect(answer.contains("\r\nRetry-After: 1\r\n"))
                try waiting[0].write(String(Door.head().dropFirst(4)))
                #expect(try waiting[0].readHead().hasPrefix("HTTP/1.1 101 "))
                waiting[1].close()
                while await door.acceptor.waiting > 1 { await Task.yield() }
                #expect(try door.client(Door.head()).readHead().hasPrefix("HTTP/1.1 101 "))
            }
        }

        @Test("who leaves while admission decides is noticed, and the seat is given back")
        func leftWhileDeciding() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let client = try door.client(Door.head(session: "slow-1", token: "good.slow-1.join"))
                _ = await door.admission.nextQuestion()
                #expect(await door.acceptor.waiting == 1)
                client.close()
                while await door.acceptor.waiting > 0 { await Task.yield() }
                door.admission.decide()
                let session = await door.admission.nextSession()
                #expect(await session.next() == .abandoned)
                #expect(!session.wasCalledElsewhere)
            }
        }

        @Test("an admission that does not decide in time is answered 503, and what it says later is nobody's")
        func slowAdmission() async throws {
            try await Door.with({ $0.admissionDeadline = .milliseconds(100) }) { (door: Door) async throws -> Void in
                let client = try door.client(Door.head(session: "slow-2", token: "good.slow-2.join"))
                _ = await door.admission.nextQuestion()
                let answer = try client.readToEnd()
                #expect(answer.hasPrefix("HTTP/1.1 503 "))
                #expect(answer.contains("\r\nRetry-After: 2\r\n"))
                door.admission.decide()
                #expect(await door.admission.nextSession().next() == .abandoned)
            }
        }

        @Test("a stopped door lets nobody in and drops who waits; those inside stay")
        func stopping() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let (inside, session) = try await door.joined()
                let waiting = try door.client("GET ")
                while await door.acceptor.waiting < 1 { await Task.yield() }
                await door.acceptor.stop()
                #expect(try waiting.readToEnd() == "")
                #expect(throws: RawClient.Failure.self) { try RawClient.connect(port: door.port) }
                await session.with { $0.send(.prepared) }
                #expect(try inside.readFrame()?.text == #"{"type":"prepared"}"#)
            }
        }

        @Test("a port that is taken and a host that is none say what to do")
        func badPlaces() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                for (host, port, error): (String, Int, AcceptorError) in [
                    ("127.0.0.1", Int(door.port), .inUse(host: "127.0.0.1", port: Int(door.port))),
                    ("203.0.113.7", 0, .noSuchHost("203.0.113.7")), ("nonsense", 0, .noSuchHost("nonsense")),
                ] {
                    let other = door.another(AcceptorSettings(host: host, port: port))
                    await #expect(throws: error) { _ = try await other.start() }
                }
                let six = door.another(AcceptorSettings(host: "::1", port: 0))
                #expect(try await six.start() > 0)
                await six.stop()
            }
        }
    }
}
