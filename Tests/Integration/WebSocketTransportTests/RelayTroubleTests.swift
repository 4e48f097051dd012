import InterviewCore
import TestKit
import Testing
import WebSocketTransport

extension WebSocketTransportTests {
    /// Owners that are none, or go: what stands for them answers byte by byte.
    @Suite(.timeLimit(.minutes(2)))
    struct RelayTroubleTests {
        private static let upgrade =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: voiced.v1\r\n\r\n"
        private static let whole: [UInt8] = [0x82, 3, 1, 2, 3]

        /// The participant knocks at the door, the owner has the participant's head.
        private func relayed(
            by door: Door, to listener: RawListener, receiveBuffer: Int32? = nil
        ) throws -> (client: RawClient, owner: RawClient, head: String) {
            let id = "relay-\(listener.port)"
            let client = try door.client(
                Door.head(session: id, token: "good.\(id).join", extra: "Origin: https://page.test\r\n"),
                receiveBuffer: receiveBuffer)
            let owner = try listener.accept()
            return (client, owner, try owner.readHead())
        }

        @Test("the owner gets the participant's head again, with the mark of a relay")
        func head() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let listener = try RawListener()
                let (client, owner, head) = try relayed(by: door, to: listener)
                let id = "relay-\(listener.port)"
                #expect(head.hasPrefix("GET /v1/sessions/\(id)/media HTTP/1.1\r\n"))
                for line in [
                    "host: media.test", "upgrade: websocket", "sec-websocket-protocol: voiced.v1",
                    "authorization: Bearer good.\(id).join", "origin: https://page.test", "X-Voiced-Relay: 1",
                    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
                ] { #expect(head.contains("\r\n\(line)\r\n")) }
                try owner.write(Self.upgrade)
                #expect(try client.readHead() == Self.upgrade)
            }
        }

        @Test("an owner that dies between two frames is followed by 1012", arguments: [false, true])
        func diesAtBoundary(byReset: Bool) async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let listener = try RawListener()
                let (client, owner, _) = try relayed(by: door, to: listener)
                try owner.write(Array(Self.upgrade.utf8) + Self.whole)
                _ = try client.readHead()
                #expect(try client.readFrame()?.payload == [1, 2, 3])
                if byReset { owner.reset() } else { owner.close() }
                #expect(try client.readFrame()?.closeCode == 1012)
                #expect(try client.readToEnd() == "")
                client.close()
                #expect(await door.nextRelayEvent() == .began)
                #expect(await door.nextRelayEvent() == .ended(.ownerLost))
            }
        }

        @Test("an owner that dies in mid-frame cuts the line: 1012 there would be taken for sound")
        func diesInMidFrame() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let listener = try RawListener()
                let (client, owner, _) = try relayed(by: door, to: listener)
                try owner.write(Array(Self.upgrade.utf8) + Self.whole + [0x82, 100, 7, 7])
                _ = try client.readHead()
                _ = try client.readFrame()
                #expect(try client.readBytes(4) == [0x82, 100, 7, 7])
                owner.close()
                #expect(try client.readBytes(1) == nil)
                #expect(await door.nextRelayEvent() == .began)
                #expect(await door.nextRelayEvent() == .ended(.ownerLost))
            }
        }

        @Test("a slow reader holds the owner back; nothing is lost or doubled, and little lies between")
        func slowReader() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let listener = try RawListener(sendBuffer: 32_768)
                let (client, owner, _) = try relayed(by: door, to: listener, receiveBuffer: 16_384)
                try owner.write(Self.upgrade)
                _ = try client.readHead()
                let frame: [UInt8] = [0x82, 126, 3, 232] + (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
                let taken = try owner.writeUntilStuck(frame, most: 8 << 20)
                #expect(taken < 1 << 20)
                var left = taken
                while left > 0 {
                    let count = min(left, frame.count)
                    #expect(try client.readBytes(count) == Array(frame[..<count]))
                    left -= count
                }
            }
        }

        @Test(
            "what cannot be the owner's answer is 503 for the participant",
            arguments: [
                "SSH-2.0-OpenSSH_9.9\r\n", "HTTP/1.1 101 Switch", "HTTP/1.0 101 Switching Protocols\r\n\r\n", "",
                "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"join\":true}", "HTTP/1.1 100 Continue\r\n\r\n",
                "HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
                "HTTP/1.1 503 Busy\r\nContent-Length: 900\r\n\r\nhalf of",
                "HTTP/1.1 503 Busy\r\nX: \(String(repeating: "x", count: 9_000))",
                "HTTP/1.1 503 Busy\r\n\r\n\(String(repeating: "x", count: 20_000))",
            ] as [Said])
        func nonsense(_ said: Said) async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let listener = try RawListener()
                let (client, owner, _) = try relayed(by: door, to: listener)
                try owner.write(said.text)
                owner.close()
                let answer = try client.readToEnd()
                #expect(answer.hasPrefix("HTTP/1.1 503 "))
                #expect(answer.contains(#""code":"owner_unreachable""#))
                #expect(answer.contains("\r\nRetry-After: 1\r\n"))
                #expect(answer.contains("\r\nAccess-Control-Allow-Origin: https://page.test\r\n"))
                #expect(await door.nextRelayEvent() == .ended(.unreachable))
                #expect(door.refusals == ["owner_unreachable"])
            }
        }

        @Test(
            "frames that no server sends end the relay 1012",
            arguments: [
                [0x82, 0x81, 1, 2, 3, 4, 5], [0xf2, 1, 0], [0x83, 0], [0x82, 127, 1, 0, 0, 0, 0, 0, 0, 0],
                [0x88, 0, 0x82],
            ] as [[UInt8]])
        func badFrames(_ bytes: [UInt8]) async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let listener = try RawListener()
                let (client, owner, _) = try relayed(by: door, to: listener)
                try owner.write(Array(Self.upgrade.utf8) + Self.whole)
                _ = try client.readHead()
                #expect(try client.readFrame()?.payload == [1, 2, 3])
                try owner.write(bytes)
                let last = try client.readFrame()
                // A close frame of the owner's own may have got through before the nonsense behind it.
                #expect(last == nil || last?.closeCode == 1012 || last?.opcode == 8)
                #expect(try client.readToEnd() == "")
                client.close()
                #expect(await door.nextRelayEvent() == .began)
                #expect(await door.nextRelayEvent() == .ended(.ownerLost))
            }
        }

        @Test("the owner's refusal is the participant's, Retry-After included")
        func refusal() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let listener = try RawListener()
                let (client, owner, _) = try relayed(by: door, to: listener)
                try owner.write(
                    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 4\r\nContent-Length: 15\r\n\r\n{\"code\":\"full\"}"
                )
                let answer = try client.readToEnd()
                #expect(answer.hasPrefix("HTTP/1.1 503 "))
                #expect(answer.contains("\r\nRetry-After: 4\r\n"))
                #expect(answer.hasSuffix(#"{"code":"full"}"#))
                #expect(await door.nextRelayEvent() == .ended(.refused))
            }
        }

        @Test("nobody there, and somebody who never answers: 503 in time")
        func unreachable() async throws {
            try await Door.with({ $0.relayAnswer = .milliseconds(150) }) { (door: Door) async throws -> Void in
                let dead = try { try RawListener().port }()
                for port in [dead, try RawListener().port] {
                    let id = "relay-\(port)"
                    let answer = try door.answer(Door.head(session: id, token: "good.\(id).join"))
                    #expect(answer.hasPrefix("HTTP/1.1 503 "))
                    #expect(answer.contains(#""owner_unreachable""#))
                }
                let mute = try RawListener()
                let (client, owner, _) = try relayed(by: door, to: mute)
                #expect(try client.readToEnd().contains(#""owner_unreachable""#))
                #expect(try owner.readToEnd() == "")
            }
        }

        @Test("a relay in which nothing goes one way any more ends 1012")
        func stuck() async throws {
            try await Door.with({ $0.relayStuck = .milliseconds(200) }) { (door: Door) async throws -> Void in
                let (client, owner, _) = try relayed(by: door, to: try RawListener())
                try owner.write(Self.upgrade)
                _ = try client.readHead()
                #expect(try client.readFrame()?.closeCode == 1012)
                client.close()
                #expect(await door.nextRelayEvent() == .began)
                #expect(await door.nextRelayEvent() == .ended(.stuck))
                #expect(try owner.readToEnd() == "")
            }
        }

        @Test("a participant who leaves before the owner has answered leaves the owner too")
        func leavesEarly() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let (client, owner, _) = try relayed(by: door, to: try RawListener())
                client.close()
                #expect(try owner.readToEnd() == "")
                #expect(await door.acceptor.waiting == 0)
            }
        }

        @Test("more relays than allowed are refused")
        func crowded() async throws {
            try await Door.with({ $0.mostRelays = 1 }) { (door: Door) async throws -> Void in
                let listener = try RawListener()
                let (client, owner, _) = try relayed(by: door, to: listener)
                try owner.write(Self.upgrade)
                _ = try client.readHead()
                let id = "relay-\(listener.port)"
                let answer = try door.answer(Door.head(session: id, token: "good.\(id).join"))
                #expect(answer.hasPrefix("HTTP/1.1 503 "))
                #expect(answer.contains(#""crowded""#))
            }
        }
    }
}
