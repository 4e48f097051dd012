import EventLoops
import Glibc
import Synchronization
import TestKit
import Testing
import WebSockets

extension WebSocketsTests {
    /// The server side, against a client that writes every byte by hand.
    @Suite(.timeLimit(.minutes(2)))
    struct AdoptionTests {
        private static let head = Array(
            ("GET / HTTP/1.1\r\nHost: media.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Protocol: voiced.v1\r\n\r\n").utf8)

        /// A client whose upgrade has been answered.
        private func adopted(
            _ context: WebSocketContext, _ recorder: Recorder, extra: [UInt8] = []
        ) async throws -> (RawClient, WebSocket) {
            let (client, descriptor) = try RawClient.pair()
            let socket = try await context.loop.run {
                Result { try context.adopt(descriptor: descriptor, head: Self.head + extra, handler: recorder) }
            }.get()
            return (client, socket)
        }

        @Test("the upgrade is answered as RFC 6455 wants it, with the subprotocol")
        func upgrade() async throws {
            try await withContext { context in
                let recorder = Recorder()
                let (client, socket) = try await adopted(context, recorder)
                let head = try client.readHead()
                #expect(head.hasPrefix("HTTP/1.1 101 "))
                // The example of RFC 6455, 1.3.
                #expect(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
                #expect(head.contains("Sec-WebSocket-Protocol: voiced.v1\r\n"))
                #expect(await recorder.first(1) == [.opened])
                await context.loop.run { socket.send("hello") }
                #expect(try client.readFrame() == RawClient.Frame(opcode: 1, payload: Array("hello".utf8)))
                client.close()
                #expect(await recorder.story() == [.ended(.closed(code: nil))])
            }
        }

        @Test("frames that came with the head follow it")
        func extraBytes() async throws {
            try await withContext { context in
                let recorder = Recorder()
                let frames = RawClient.frame(1, Array("early".utf8)) + RawClient.frame(2, [1, 2, 3])
                let (client, _) = try await adopted(context, recorder, extra: frames)
                _ = try client.readHead()
                #expect(await recorder.first(3) == [.opened, .text("early"), .binary([1, 2, 3])])
            }
        }

        @Test("fragments with a ping between them, byte by byte, and a burst of small frames arrive whole and in order")
        func framing() async throws {
            try await withContext { context in
                let recorder = Recorder()
                let (client, _) = try await adopted(context, recorder)
                _ = try client.readHead()
                let pieces =
                    RawClient.frame(1, Array("one ".utf8), isFinal: false) + RawClient.frame(9, Array("ping".utf8))
                    + RawClient.frame(0, Array("two ".utf8), isFinal: false) + RawClient.frame(0, Array("three".utf8))
                for byte in pieces { try client.write([byte]) }
                #expect(await recorder.first(2) == [.opened, .text("one two three")])
                #expect(try client.readFrame() == RawClient.Frame(opcode: 10, payload: Array("ping".utf8)))

                try client.write((0..<500).flatMap { RawClient.frame(2, [UInt8($0 & 255), UInt8($0 >> 8)]) })
                let burst = await recorder.first(500)
                #expect(burst == (0..<500).map { .binary([UInt8($0 & 255), UInt8($0 >> 8)]) })
            }
        }

        @Test("the largest messages pass, one byte more closes with 1009, whole or in fragments or only announced")
        func limits() async throws {
            try await withContext { context in
                let fine = Recorder()
                let (client, _) = try await adopted(context, fine)
                _ = try client.readHead()
                let text = [UInt8](repeating: UInt8(ascii: "x"), count: 16_384)
                let audio = [UInt8](repeating: 7, count: 8_007)
                try client.write(RawClient.frame(1, text) + RawClient.frame(2, audio))
                #expect(
                    await fine.first(3) == [.opened, .text(String(decoding: text, as: UTF8.self)), .binary(audio)])

                let tooBig: [[UInt8]] = [
                    RawClient.frame(1, text + [0x20]),
                    RawClient.frame(2, audio + [0]),
                    RawClient.frame(2, audio, isFinal: false) + RawClient.frame(0, [0]),
                    RawClient.frame(1, text, isFinal: false) + RawClient.frame(0, [0x20], isFinal: false),
                    // 2^62 bytes to come.
                    [0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4] + [UInt8](repeating: 0, count: 9_000),
                ]
                for bytes in tooBig {
                    let recorder = Recorder()
                    let (client, _) = try await adopted(context, recorder)
                    _ = try client.readHead()
                    try client.write(bytes)
                    #expect(await recorder.story() == [.opened, .ended(.tooBig)])
                    #expect(try client.readFrame()?.closeCode == 1009)
                    client.close()
                }
            }
        }

        @Test(
            "text that is no UTF-8 closes with 1007",
            arguments: [
                [0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x61, 0x80],
                [0xe2, 0x82], [0xf0, 0x80, 0x80, 0x80],
            ] as [[UInt8]])
        func brokenText(bytes: [UInt8]) async throws {
            try await withContext { context in
                let recorder = Recorder()
                let (client, _) = try await adopted(context, recorder)
                _ = try client.readHead()
                try client.write(RawClient.frame(1, Array("long enough to be skipped in words ".utf8) + bytes))
                #expect(await recorder.story() == [.opened, .ended(.invalidUTF8)])
                #expect(try client.readFrame()?.closeCode == 1007)
            }
        }

        @Test("UTF-8 that is cut between fragments is fine")
        func cutText() async throws {
            try await withContext { context in
                let recorder = Recorder()
                let (client, _) = try await adopted(context, recorder)
                _ = try client.readHead()
                let bytes = Array("a€😀é\u{0}".utf8)
                var frames: [UInt8] = []
                for (index, byte) in bytes.enumerated() {
                    frames += RawClient.frame(index == 0 ? 1 : 0, [byte], isFinal: index == bytes.count - 1)
                }
                try client.write(frames)
                #expect(await recorder.first(2) == [.opened, .text("a€😀é\u{0}")])
            }
        }

        @Test(
            "broken frames end the connection and nothing else",
            arguments: [
                [0x83, 0x80, 0, 0, 0, 0], [0xc1, 0x80, 0, 0, 0, 0], [0x80, 0x80, 0, 0, 0, 0], [0x09, 0x80, 0, 0, 0, 0],
                [0x89, 0xfe, 0x01, 0x00], [0x81, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0],
            ] as [[UInt8]])
        func brokenFrames(bytes: [UInt8]) async throws {
            try await withContext { context in
                let recorder = Recorder()
                let (client, _) = try await adopted(context, recorder)
                _ = try client.readHead()
                try client.write(bytes)
                if let close = try client.readFrame() {
                    #expect(close.closeCode == 1002)
                    client.close()
                }
                let story = await recorder.story()
                #expect(story.count == 2)
                #expect([.ended(.failed(code: "protocol")), .ended(.closed(code: nil))].contains(story.last))
            }
        }

        @Test("close frames are answered, ours waits for what is queued")
        func closing() async throws {
            try await withContext { context in
                let theirs = Recorder()
                let (first, _) = try await adopted(context, theirs)
                _ = try first.readHead()
                try first.write(RawClient.frame(8, [0x0f, 0xa1] + Array("tschüss".utf8)))
                #expect(try first.readFrame()?.closeCode == 4001)
                #expect(await theirs.story() == [.opened, .ended(.closed(code: 4001))])

                let ours = Recorder()
                let (second, socket) = try await adopted(context, ours)
                _ = try second.readHead()
                await context.loop.run {
                    for number in 0..<50 {
                        socket.send(.binary, capacity: 20_000) { buffer in
                            buffer.initializeMemory(as: UInt8.self, repeating: UInt8(number))
                            return 20_000
                        }
                    }
                    socket.close(code: 1012, reason: "restart")
                    socket.send("not any more")
                    socket.close(code: 1000, reason: "not this one")
                }
                for number in 0..<50 {
                    #expect(
                        try second.readFrame()
                            == RawClient.Frame(opcode: 2, payload: [UInt8](repeating: UInt8(number), count: 20_000)))
                }
                let close = try second.readFrame()
                #expect(close?.closeCode == 1012)
                #expect(close?.payload.dropFirst(2).elementsEqual("restart".utf8) == true)
                try second.write(RawClient.frame(8, [0x03, 0xf4]))
                #expect(await ours.story() == [.opened, .ended(.closed(code: 1012))])
            }
        }

        @Test("aborting ends without a close frame; discarding drops what nobody has begun to send")
        func aborting() async throws {
            try await withContext { context in
                let recorder = Recorder(whenOpened: { $0.abort() })
                let (client, _) = try await adopted(context, recorder)
                _ = try client.readHead()
                #expect(try client.readFrame() == nil)
                #expect(await recorder.story() == [.opened, .ended(.closed(code: nil))])

                let discarded = Recorder()
                let (slow, socket) = try await adopted(context, discarded)
                _ = try slow.readHead()
                let waiting = await context.loop.run {
                    // More than any kernel takes at once.
                    for _ in 0..<12 {
                        socket.send(.binary, capacity: 1_000_000 / 8) { buffer in
                            buffer.initializeMemory(as: UInt8.self, repeating: 1)
                            return buffer.count
                        }
                    }
                    let waiting = socket.queuedBytes
                    for _ in 0..<64 where socket.isOpen && socket.queuedBytes < 1_500_000 {
                        socket.send(.binary, capacity: 100_000) { _ in 100_000 }
                    }
                    let before = socket.queuedBytes
                    socket.close(code: 4003, reason: "too slow", discarding: true)
                    return (waiting, before, socket.queuedBytes)
                }
                #expect(waiting.2 < waiting.1)
                var last: RawClient.Frame?
                while let frame = try slow.readFrame() {
                    last = frame
                    if frame.closeCode != nil { break }
                }
                #expect(last?.closeCode == 4003)
            }
        }

        @Test("a head that is no upgrade throws and closes the descriptor, and nobody is told")
        func refused() async throws {
            try await withContext { context in
                let heads = [
                    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                    "nonsense\r\n\r\n",
                ]
                for head in heads {
                    let (client, descriptor) = try RawClient.pair()
                    let recorder = Recorder()
                    let result = await context.loop.run {
                        Result {
                            _ = try context.adopt(descriptor: descriptor, head: Array(head.utf8), handler: recorder)
                        }
                    }
                    #expect(throws: WebSocketError.adoptionRefused, "\(head.debugDescription)") { try result.get() }
                    try client.readToEnd()
                    #expect(recorder.isSilent)
                }
                #expect(await context.loop.run { context.socketCount } == 0)
            }
        }

        @Test("a hundred connections on each of four loops")
        func manyConnections() async throws {
            let loops = try (0..<4).map { try EventLoop(index: $0) }
            let contexts = try WebSocketContext.makeAll(on: loops, trust: .system)
            for loop in loops { loop.start() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for context in contexts {
                    for number in 0..<100 {
                        group.addTask {
                            let recorder = Recorder(whenHeard: { socket, event in
                                if case .binary(let bytes) = event {
                                    socket.send(.binary, capacity: bytes.count) { buffer in
                                        buffer.copyBytes(from: bytes)
                                        return bytes.count
                                    }
                                }
                            })
                            let (client, _) = try await adopted(context, recorder)
                            _ = try client.readHead()
                            for round in 0..<20 {
                                let payload = [UInt8](repeating: UInt8(number), count: 160 + round)
                                try client.write(RawClient.frame(2, payload))
                                let echo = try client.readFrame()
                                #expect(echo == RawClient.Frame(opcode: 2, payload: payload))
                            }
                            try client.write(RawClient.frame(8, [0x03, 0xe8]))
                            #expect(await recorder.first(22).last == .ended(.closed(code: 1000)))
                            #expect(!recorder.wasCalledElsewhere)
                        }
                    }
                }
                try await group.waitForAll()
            }
            for (loop, context) in zip(loops, contexts) {
                #expect(await loop.run { context.socketCount } == 0)
                await loop.run { context.destroy() }
                await loop.stop()
            }
        }
    }
}
