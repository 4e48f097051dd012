import EventLoops
import InterviewCore
import Ports
import TestKit
import Testing
import WebSocketTransport
import WireFormats

extension WebSocketTransportTests {
    /// Two doors in one process: the participant knocks at `near`, the session lives behind `far`.
    @Suite(.timeLimit(.minutes(2)))
    struct RelayTests {
        private func both(_ body: (_ near: Door, _ far: Door) async throws -> Void) async throws {
            try await Door.with { (near: Door) async throws -> Void in
                try await Door.with { (far: Door) async throws -> Void in try await body(near, far) }
            }
        }

        private static func frame(_ number: Int) -> [UInt8] {
            (0..<(40 + number * 37 % 900)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
        }

        @Test("through the relay both hear every frame bit by bit, and the owner's own end arrives as it was meant")
        func bitEqual() async throws {
            try await both { near, far in
                let id = "relay-\(far.port)"
                let client = try near.client(Door.head(session: id, token: "good.\(id).join", extra: "X-Other: 1\r\n"))
                #expect(try client.readHead().hasPrefix("HTTP/1.1 101 "))
                try client.write(RawClient.frame(1, ParticipantCodec.encode(.hello(Door.hello))))
                #expect(await near.admission.nextQuestion().purpose == .join)
                #expect(await far.admission.nextQuestion().purpose == .relayed)
                #expect(await near.nextRelayEvent() == .began)
                let session = await far.admission.nextSession()
                #expect(await session.next() == .took(Door.hello))

                for number in 0..<200 {
                    let header = AudioFrameHeader(
                        format: .opus, sequence: UInt16(number), timestamp: UInt32(number * 960))
                    let payload = Self.frame(number)
                    var bytes = [UInt8](repeating: 0, count: AudioFrame.headerBytes)
                    bytes.withUnsafeMutableBytes { AudioFrame.encodeHeader(header, into: $0) }
                    try client.write(RawClient.frame(2, bytes + payload))
                    #expect(await session.next() == .audio(header, payload))
                    await session.with { transport in
                        payload.withUnsafeBytes { transport.sendAudio($0, timestamp: header.timestamp) }
                    }
                    let heard = try #require(try client.readFrame())
                    #expect(heard.opcode == 2)
                    #expect(Array(heard.payload.dropFirst(AudioFrame.headerBytes)) == payload)
                }
                await session.with { $0.close(.ended, reason: "over") }
                #expect(try client.readFrame()?.closeCode == 1000)
                try client.write(RawClient.frame(8, [3, 232]))
                #expect(try client.readToEnd() == "")
                client.close()
                #expect(await near.nextRelayEvent() == .ended(.ended))
                #expect(await near.acceptor.relaying == 0)
            }
        }

        @Test("a token among the subprotocols and what comes behind the head travel along")
        func pipelined() async throws {
            try await both { near, far in
                let id = "relay-\(far.port)"
                let head = Door.head(session: id, token: nil, subprotocols: "voiced.v1, bearer.good.\(id).rejoin")
                let client = try RawClient.connect(port: near.port)
                try client.write(
                    Array(head.utf8) + RawClient.frame(1, ParticipantCodec.encode(.hello(Door.hello))))
                let answer = try client.readHead()
                #expect(answer.hasPrefix("HTTP/1.1 101 "))
                #expect(!answer.contains("bearer"))
                let session = await far.admission.nextSession()
                #expect(await session.next() == .took(Door.hello))
                #expect(await far.admission.nextQuestion().claims.scope == .rejoin)
            }
        }

        @Test("a participant who goes is gone for the owner too")
        func participantGone() async throws {
            try await both { near, far in
                let id = "relay-\(far.port)"
                let client = try near.client(Door.head(session: id, token: "good.\(id).join"))
                _ = try client.readHead()
                try client.write(RawClient.frame(1, ParticipantCodec.encode(.hello(Door.hello))))
                let session = await far.admission.nextSession()
                #expect(await session.next() == .took(Door.hello))
                client.close()
                #expect(await session.story().last == .ended(.closed(code: nil)))
                #expect(await near.nextRelayEvent() == .began)
                #expect(await near.nextRelayEvent() == .ended(.ended))
            }
        }

        @Test("who is relayed already is not relayed again: 421, and the participant is asked to try again")
        func twice() async throws {
            try await both { near, far in
                let id = "ring-\(near.port)"
                let answer = try far.answer(
                    Door.head(session: id, token: "good.\(id).join", extra: "X-Voiced-Relay: 1\r\n"))
                #expect(answer.hasPrefix("HTTP/1.1 421 "))
                #expect(answer.contains(#""not_mine""#))
                #expect(near.refusals == [])

                let ring = "ring-\(far.port)"
                let sentAway = try near.answer(Door.head(session: ring, token: "good.\(ring).join"))
                #expect(sentAway.hasPrefix("HTTP/1.1 503 "))
                #expect(sentAway.contains(#""owner_unreachable""#))
                #expect(await far.acceptor.relaying == 0)
            }
        }

        @Test("who only asks is told that they may join")
        func probe() async throws {
            try await Door.with { (near: Door) async throws -> Void in
                let answer = try near.answer(
                    "GET /v1/sessions/ring-9/media HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good.ring-9.join\r\n\r\n"
                )
                #expect(answer.hasSuffix(#"{"join":true}"#))
            }
        }

        @Test("a door that stops closes its relays 1012")
        func stopping() async throws {
            try await both { near, far in
                let id = "relay-\(far.port)"
                let client = try near.client(Door.head(session: id, token: "good.\(id).join"))
                _ = try client.readHead()
                #expect(await near.nextRelayEvent() == .began)
                await near.acceptor.stop()
                #expect(try client.readFrame()?.closeCode == 1012)
                #expect(try client.readToEnd() == "")
                #expect(await near.nextRelayEvent() == .ended(.stopped))
                #expect(await far.admission.nextSession().next() == .abandoned)
            }
        }
    }
}
