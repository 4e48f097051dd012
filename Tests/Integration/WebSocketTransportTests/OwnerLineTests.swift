import InterviewCore
import Ports
import TestKit
import Testing
import WebSocketTransport
import WebSockets

extension WebSocketTransportTests {
    @Suite(.timeLimit(.minutes(2)))
    struct OwnerLineTests {
        private func ask(
            _ door: Door, address: String, _ session: String, token: String? = nil, patience: Duration = .seconds(5)
        ) async throws -> OwnerAnswer {
            let id = try #require(SessionID(session))
            return await door.line.ask(
                address: address, session: id, token: token ?? "good.\(session).rejoin", patience: patience)
        }

        @Test("a real door says mine or not mine, and takes no place for it")
        func answers() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                for address in ["127.0.0.1:\(door.port)", "localhost:\(door.port)"] {
                    #expect(try await ask(door, address: address, "known") == .mine)
                    #expect(await door.admission.nextQuestion().purpose == .inquiry)
                    #expect(try await ask(door, address: address, "elsewhere") == .notMine)
                    #expect(await door.admission.nextQuestion().purpose == .inquiry)
                    #expect(try await ask(door, address: address, "ring-9") == .notMine)
                    #expect(await door.admission.nextQuestion().purpose == .inquiry)
                }
                for context in door.contexts {
                    #expect(await door.on(context.loop) { context.socketCount } == 0)
                }
            }
        }

        @Test("every other answer of a door is silence")
        func refusals() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let address = "127.0.0.1:\(door.port)"
                #expect(try await ask(door, address: address, "known", token: "evil") == .silent)
                #expect(try await ask(door, address: address, "known", token: "good.other.join") == .silent)
                for session in ["full", "ended", "unknown"] {
                    #expect(try await ask(door, address: address, session) == .silent)
                }
            }
        }

        @Test("a door on IPv6 is asked as well")
        func sixth() async throws {
            try await Door.with({ $0.host = "::1" }) { (door: Door) async throws -> Void in
                #expect(try await ask(door, address: "[::1]:\(door.port)", "known") == .mine)
            }
        }

        @Test(
            "nobody there, and addresses that are none, are silence",
            arguments: [
                "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", ":80", "::1:80", "[::1]", "a b:80",
                "no-such-host.invalid:80", "127.0.0.1:1",
            ])
        func nobody(_ address: String) async throws {
            try await Door.with { (door: Door) async throws -> Void in
                #expect(try await ask(door, address: address, "known") == .silent)
            }
        }

        @Test(
            "nonsense, halves, too much and the answer of an older build are silence",
            arguments: [
                "SSH-2.0-OpenSSH_9.9\r\n", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"join\":true}",
                "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"mine\":",
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\n\r\n\(String(repeating: "x", count: 40_000))",
            ] as [Said])
        func nonsense(_ said: Said) async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let listener = try RawListener()
                async let answer = ask(door, address: "127.0.0.1:\(listener.port)", "known")
                let owner = try listener.accept()
                let head = try owner.readHead()
                #expect(head.contains("\r\nX-Voiced-Relay: 1\r\n"))
                #expect(head.contains("\r\nAuthorization: Bearer good.known.rejoin\r\n"))
                #expect(!head.lowercased().contains("upgrade"))
                try? owner.write(said.text)
                owner.close()
                #expect(try await answer == .silent)
            }
        }

        @Test("a later version's longer answer still says mine")
        func later() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let listener = try RawListener()
                async let answer = ask(door, address: "127.0.0.1:\(listener.port)", "known")
                let owner = try listener.accept()
                _ = try owner.readHead()
                for piece in ["HTTP/1.1 200 O", "K\r\ncontent-length: 23\r", "\n\r\n{\"mine\":true,", "\"epoch\":7}"] {
                    try owner.write(piece)
                }
                #expect(try await answer == .mine)
            }
        }

        @Test("who accepts and says nothing, or says it letter by letter, is silent when the patience ends")
        func patience() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                // The kernel of a stopped process accepts as well.
                let frozen = try RawListener()
                #expect(
                    try await ask(door, address: "127.0.0.1:\(frozen.port)", "known", patience: .milliseconds(100))
                        == .silent)
                let slow = try RawListener()
                async let answer = ask(
                    door, address: "127.0.0.1:\(slow.port)", "known", patience: .milliseconds(200))
                let owner = try slow.accept()
                try owner.write("HTTP/1.1 200 OK\r\n")
                #expect(try await answer == .silent)
                #expect(try owner.readHead().hasPrefix("GET "))
                #expect(try owner.readToEnd() == "")
            }
        }
    }
}
