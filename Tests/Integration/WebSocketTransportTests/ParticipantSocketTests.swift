import EventLoops
import Foundation
import InterviewCore
import Ports
import Synchronization
import TestKit
import Testing
import WebSocketTransport
import WireFormats

extension WebSocketTransportTests {
    @Suite(.timeLimit(.minutes(2)))
    struct ParticipantSocketTests {
        private func frame(
            _ payload: [UInt8], format: AudioFormat = .opus, sequence: UInt16 = 1, timestamp: UInt32 = 960
        ) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: AudioFrame.headerBytes) + payload
            let header = AudioFrameHeader(format: format, sequence: sequence, timestamp: timestamp)
            bytes.withUnsafeMutableBytes { AudioFrame.encodeHeader(header, into: $0) }
            return RawClient.frame(2, bytes)
        }

        private func text(_ message: ParticipantMessage) -> [UInt8] {
            RawClient.frame(1, ParticipantCodec.encode(message))
        }

        /// The next frame that is no beat.
        private func read(_ client: RawClient) throws -> RawClient.Frame? {
            while let frame = try client.readFrame() {
                if frame.text != #"{"type":"beat"}"# { return frame }
            }
            return nil
        }

        @Test("messages and audio reach the session in order, beats and unknown types do not")
        func uplink() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let (client, session) = try await door.joined()
                try client.write(text(.beat))
                try client.write(RawClient.frame(1, Array(#"{"type":"wave"}"#.utf8)))
                try client.write(text(.mute(true)))
                try client.write(frame([1, 2, 3], sequence: 65_535, timestamp: .max))
                try client.write(text(.played(item: "a-1", milliseconds: 20)))
                try client.write(text(.leave))
                #expect(await session.next() == .message(.mute(true)))
                #expect(
                    await session.next()
                        == .audio(AudioFrameHeader(format: .opus, sequence: 65_535, timestamp: .max), [1, 2, 3]))
                #expect(await session.next() == .message(.played(item: "a-1", milliseconds: 20)))
                #expect(await session.next() == .message(.leave))
                #expect(!session.wasCalledElsewhere)
            }
        }

        @Test("the session's frames carry header, payload and numbers without a gap, across the wrap")
        func downlink() async throws {
            // The client says nothing all the while.
            try await Door.with({ $0.line.dead = .seconds(60) }) { (door: Door) async throws -> Void in
                let hello = Hello(up: .opus, down: .pcm, client: "page-1", agent: "test")
                let (client, session) = try await door.joined(hello: hello)
                var expected: UInt16?
                for batch in 0..<1_400 {
                    let numbers = (batch * 50)..<(batch * 50 + 50)
                    await session.with { transport in
                        for number in numbers {
                            let payload = [UInt8](repeating: UInt8(number & 255), count: 480)
                            payload.withUnsafeBytes { transport.sendAudio($0, timestamp: UInt32(number)) }
                        }
                    }
                    for number in numbers {
                        let frame = try #require(try readAudio(client))
                        let (header, payload) = try frame.payload.withUnsafeBytes { bytes in
                            let (header, payload) = try AudioFrame.decode(bytes)
                            return (header, Array(payload))
                        }
                        #expect(header.format == .pcm)
                        #expect(header.timestamp == UInt32(number))
                        #expect(payload == [UInt8](repeating: UInt8(number & 255), count: 480))
                        if let expected { #expect(header.sequence == expected) }
                        expected = header.sequence &+ 1
                    }
                }
            }
        }

        private func readAudio(_ client: RawClient) throws -> RawClient.Frame? {
            while let frame = try client.readFrame() {
                if frame.opcode == 2 { return frame }
            }
            return nil
        }

        @Test("two connections do not begin with the same number")
        func randomStart() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                var starts: Set<UInt16> = []
                for _ in 0..<4 {
                    let (client, session) = try await door.joined()
                    await session.with { transport in [7].withUnsafeBytes { transport.sendAudio($0, timestamp: 0) } }
                    let frame = try #require(try readAudio(client))
                    starts.insert((UInt16(frame.payload[1]) << 8) | UInt16(frame.payload[2]))
                }
                #expect(starts.count > 1)
            }
        }

        // MARK: Before hello

        @Test("who does not say hello in time is told so and closed 4000")
        func noHello() async throws {
            try await Door.with({ $0.line = LineTimes(hello: .milliseconds(100), beat: .milliseconds(50)) }) {
                (door: Door) async throws -> Void in
                let client = try door.client(Door.head())
                _ = try client.readHead()
                let error = try read(client)
                #expect(error?.text.contains(#""code":"no_hello""#) == true)
                #expect(try read(client)?.closeCode == 4000)
                #expect(await door.admission.nextSession().next() == .abandoned)
            }
        }

        @Test("audio and anything else before hello is closed 4000", arguments: [0, 1, 2])
        func tooEarly(what: Int) async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let client = try door.client(Door.head())
                _ = try client.readHead()
                try client.write([frame([1]), text(.beat), text(.mute(true))][what])
                #expect(try read(client)?.text.contains(#""code":"no_hello""#) == true)
                #expect(try read(client)?.closeCode == 4000)
                #expect(await door.admission.nextSession().next() == .abandoned)
            }
        }

        @Test("another protocol version is told so")
        func version() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let client = try door.client(Door.head())
                _ = try client.readHead()
                try client.write(RawClient.frame(1, Array(#"{"type":"hello","protocol":2}"#.utf8)))
                #expect(try read(client)?.text.contains(#""code":"version""#) == true)
                #expect(try read(client)?.closeCode == 4000)
            }
        }

        @Test("who leaves before hello gives the seat back")
        func leftEarly() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let client = try door.client(Door.head())
                _ = try client.readHead()
                client.close()
                #expect(await door.admission.nextSession().next() == .abandoned)
            }
        }

        // MARK: Violations

        struct Violation: Sendable, CustomTestStringConvertible {
            var name: String
            var frame: [UInt8]
            var violation: ProtocolViolation
            var testDescription: String { name }
        }

        private static let violations: [Violation] = [
            Violation(name: "no JSON", frame: RawClient.frame(1, Array("hello".utf8)), violation: .badMessage),
            Violation(
                name: "wrong type", frame: RawClient.frame(1, Array(#"{"type":"mute","on":3}"#.utf8)),
                violation: .badMessage),
            Violation(
                name: "second hello", frame: RawClient.frame(1, ParticipantCodec.encode(.hello(Door.hello))),
                violation: .badMessage),
            Violation(name: "no payload", frame: RawClient.frame(2, [1, 0, 0, 0, 0, 0, 0]), violation: .badFrame),
            Violation(name: "unknown kind", frame: RawClient.frame(2, [9, 0, 0, 0, 0, 0, 0, 1]), violation: .badFrame),
            Violation(
                name: "another format than announced",
                frame: RawClient.frame(2, [2, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 960)),
                violation: .badFrame),
            Violation(name: "empty frame", frame: RawClient.frame(2, []), violation: .badFrame),
        ]

        @Test("a violation is named, closed 4000 and told to the session", arguments: violations)
        func violation(_ one: Violation) async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let (client, session) = try await door.joined()
                try client.write(one.frame)
                #expect(await session.story() == [.ended(.violated(one.violation))])
                #expect(try read(client)?.text.contains("\"code\":\"\(one.violation.rawValue)\"") == true)
                #expect(try read(client)?.closeCode == 4000)
            }
        }

        @Test("too long a message is closed 1009, broken text 1007, and both are told as violations")
        func libraryViolations() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                for (bytes, code, violation): ([UInt8], UInt16, ProtocolViolation) in [
                    (RawClient.frame(1, [UInt8](repeating: 0x20, count: 16_385)), 1009, .tooBig),
                    (RawClient.frame(2, [UInt8](repeating: 1, count: 8_008)), 1009, .tooBig),
                    (RawClient.frame(1, [0x22, 0xff, 0x22]), 1007, .badMessage),
                ] {
                    let (client, session) = try await door.joined()
                    try client.write(bytes)
                    #expect(await session.story() == [.ended(.violated(violation))])
                    #expect(try read(client)?.closeCode == code)
                }
            }
        }

        @Test("an observer's sound is a violation")
        func observer() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let client = try door.client(Door.head(token: "good.known.observe"))
                _ = try client.readHead()
                let hello = Hello(up: nil, down: nil, client: "dashboard", agent: "test")
                try client.write(text(.hello(hello)))
                let session = await door.admission.nextSession()
                #expect(await session.next() == .took(hello))
                try client.write(frame([1]))
                #expect(await session.story() == [.ended(.violated(.badFrame))])
            }
        }

        // MARK: The line

        @Test("both sides' close codes arrive; after the session's own close nothing is told")
        func closeCodes() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let (leaving, left) = try await door.joined()
                try leaving.write(RawClient.frame(8, [0x03, 0xe9]))
                #expect(await left.story() == [.ended(.closed(code: 1001))])

                for code in CloseCode.allCases {
                    let (client, session) = try await door.joined()
                    await session.with { transport in
                        transport.send(.bye(reason: "restart", rejoinInMilliseconds: 100))
                        transport.close(code, reason: "because")
                        transport.send(.prepared)
                    }
                    #expect(try read(client)?.text == #"{"type":"bye","reason":"restart","rejoin_in_ms":100}"#)
                    let close = try read(client)
                    #expect(close?.closeCode == code.rawValue)
                    #expect(close?.payload.dropFirst(2).elementsEqual("because".utf8) == true)
                    try client.write(RawClient.frame(8, [0x03, 0xe8]))
                    try client.readToEnd()
                    // Whatever came after the close would be here before this.
                    session.abandon(.dead)
                    #expect(await session.next() == .abandoned)
                }
            }
        }

        @Test("beats are sent while there is nothing else to say")
        func beats() async throws {
            try await Door.with({ $0.line.beat = .milliseconds(40) }) { (door: Door) async throws -> Void in
                let (client, _) = try await door.joined()
                for _ in 0..<5 { #expect(try client.readFrame()?.text == #"{"type":"beat"}"#) }
            }
        }

        @Test("a line without a sign is dead, one with beats lives, and pings do not count")
        func dead() async throws {
            try await Door.with({ $0.line = LineTimes(beat: .milliseconds(40), dead: .milliseconds(240)) }) {
                (door: Door) async throws -> Void in
                let (alive, living) = try await door.joined()
                let beating = Task.detached {
                    while !Task.isCancelled {
                        try? alive.write(self.text(.beat))
                        try? await Task.sleep(for: .milliseconds(20))
                    }
                }
                let (silent, dying) = try await door.joined()
                let pinging = Task.detached {
                    while !Task.isCancelled {
                        try? silent.write(RawClient.frame(9, [1]))
                        try? await Task.sleep(for: .milliseconds(20))
                    }
                }
                #expect(await dying.story() == [.ended(.dead)])
                try alive.write(text(.mute(false)))
                #expect(await living.next() == .message(.mute(false)))
                beating.cancel()
                pinging.cancel()
            }
        }

        @Test("a peer that does not read is closed 4003 once two seconds of audio are on the way, and not earlier")
        func tooSlow() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let (client, session) = try await door.joined(receiveBuffer: 4_096)
                let payload = [UInt8](repeating: 7, count: 8_000)
                // A hundred frames are two seconds; what the kernels keep comes on top.
                let early = await session.with { transport in
                    for number in 0..<99 {
                        payload.withUnsafeBytes { transport.sendAudio($0, timestamp: UInt32(number)) }
                    }
                    return transport.queuedBytes
                }
                #expect(early != nil)
                await session.with { transport in
                    transport.send(.prepared)
                    for number in 0..<400 {
                        payload.withUnsafeBytes { transport.sendAudio($0, timestamp: UInt32(number)) }
                    }
                }
                #expect(await session.story() == [.ended(.tooSlow)])
                // It reads again: the reason is there, behind what was on the way, without all that was queued.
                var frames = 0
                var close: RawClient.Frame?
                while let frame = try client.readFrame() {
                    if frame.opcode == 2 { frames += 1 }
                    if frame.closeCode != nil { close = frame }
                    if close != nil { break }
                }
                #expect(close?.closeCode == 4003)
                #expect(frames >= 99)
                #expect(frames < 499)
            }
        }

        @Test("frames pass their points on the session's loop, on each of four, all at once")
        func framePath() async throws {
            let probe = Probe()
            try await Door.with(loops: 4, probe: probe) { (door: Door) async throws -> Void in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<16 {
                        let (client, session) = try await door.joined()
                        group.addTask {
                            for number in 0..<100 {
                                try client.write(self.frame([1, 2, 3], sequence: UInt16(number)))
                                guard case .audio(let header, _) = await session.next() else {
                                    Issue.record("no audio")
                                    return
                                }
                                #expect(header.sequence == UInt16(number))
                                await session.with { transport in
                                    [9, 9].withUnsafeBytes { transport.sendAudio($0, timestamp: header.timestamp) }
                                }
                                #expect(try self.readAudio(client) != nil)
                            }
                            #expect(!session.wasCalledElsewhere)
                        }
                    }
                    try await group.waitForAll()
                }
                for loop in 0..<4 {
                    #expect(probe.count(.socketIn, loop) == 400)
                    #expect(probe.count(.socketOut, loop) == 400)
                }
                #expect(probe.strays == 0)
            }
        }
    }
}

private final class Probe: FramePathProbe {
    private struct Key: Hashable {
        var point: FramePoint
        var loop: Int
    }

    private let counts = Mutex<[Key: Int]>([:])
    private let elsewhere = Mutex(0)

    func passed(_ point: FramePoint, loop: Int) {
        if EventLoop.current?.index != loop { elsewhere.withLock { $0 += 1 } }
        counts.withLock { $0[Key(point: point, loop: loop), default: 0] += 1 }
    }

    func count(_ point: FramePoint, _ loop: Int) -> Int {
        counts.withLock { $0[Key(point: point, loop: loop)] ?? 0 }
    }

    var strays: Int { elsewhere.withLock { $0 } }
}
