import Foundation
import InterviewCore
import Ports
import Testing
import WebSocketTransport

extension WebSocketTransportTests {
    @Suite(.timeLimit(.minutes(2)))
    struct IndependentClientTests {
        private struct Seen: Decodable, Equatable {
            struct Refused: Decodable, Equatable {
                var status: Int
                var code: String
                var retry_after: String?
            }
            struct Text: Decodable, Equatable {
                var type: String
                var reason: String?
            }
            var subprotocol: String
            var extensions: Int
            var frames: [[Int]]
            var texts: [Text]
            var full: Refused
            var no_token: Refused
            var no_subprotocol: Refused
        }

        @Test("a client on Python's websockets comes through the door with a long token, talks, hears and is refused")
        func python() async throws {
            try await Door.with { (door: Door) async throws -> Void in
                let peer = Task.detached { try Self.run(port: door.port) }
                let session = await door.admission.nextSession()
                #expect(await session.next() == .took(Hello(up: .opus, down: .opus, client: "c-ü", agent: "python")))
                for number in 0..<10 {
                    let header = AudioFrameHeader(
                        format: .opus, sequence: UInt16(truncatingIfNeeded: 65_530 + number),
                        timestamp: UInt32(number * 960))
                    #expect(
                        await session.next() == .audio(header, [UInt8](repeating: UInt8(number), count: 20)))
                    await session.with { transport in
                        [UInt8(number)].withUnsafeBytes { transport.sendAudio($0, timestamp: header.timestamp) }
                    }
                }
                await session.with { transport in
                    transport.send(.bye(reason: "completed", rejoinInMilliseconds: nil))
                    transport.close(.ended, reason: "completed")
                }
                let output = try await peer.value
                let seen = try JSONDecoder().decode(Seen.self, from: output)
                #expect(
                    seen
                        == Seen(
                            subprotocol: "voiced.v1", extensions: 0, frames: (0..<10).map { [1, $0 * 960, $0] },
                            texts: [Seen.Text(type: "bye", reason: "completed")],
                            full: Seen.Refused(status: 503, code: "full", retry_after: "7"),
                            no_token: Seen.Refused(status: 401, code: "token"),
                            no_subprotocol: Seen.Refused(status: 400, code: "subprotocol")))
                let text = String(decoding: output, as: UTF8.self)
                #expect(text.contains(#""closed": [1000, "completed"]"#))
            }
        }

        private static func run(port: UInt16) throws -> Data {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
            let process = Process()
            process.executableURL = root.appendingPathComponent(".build/python/bin/python3")
            process.arguments = [
                root.appendingPathComponent("Tests/Peers/participant_peer.py").path, String(port),
                "good.known.join." + String(repeating: "t", count: 400),
            ]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            return data
        }
    }
}
