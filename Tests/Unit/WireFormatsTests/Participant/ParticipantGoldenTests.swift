import Foundation
import InterviewCore
import Testing
import WireFormats

/// The messages of `voiced.v1` against files that were written by hand from the protocol's page: both ends of both
/// directions, byte for byte.
@Suite struct ParticipantGoldenTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Golden/Participant")

    static func bytes(_ name: String) throws -> [UInt8] {
        var bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent("\(name).json")))
        if bytes.last == 0x0a { bytes.removeLast() }
        return bytes
    }

    private static let fromClient: [(String, ParticipantMessage)] = [
        ("client-hello", .hello(Hello(up: .opus, down: .pcm, client: "c7f2b0d4", agent: "voiced-page/1.0"))),
        (
            "client-hello-resume",
            .hello(
                Hello(
                    up: .opus, down: .opus, client: "c7f2b0d4", agent: "voiced-page/1.0",
                    resume: Hello.Resume(item: "a-17", playedMilliseconds: 1_240)))
        ),
        ("client-hello-observer", .hello(Hello(up: nil, down: nil, client: "dashboard-1", agent: "dashboard/2.1"))),
        ("client-played", .played(item: "a-17", milliseconds: 1_240)),
        ("client-mute", .mute(true)),
        ("client-beat", .beat),
        ("client-leave", .leave),
        (
            "client-stats",
            .stats(
                ClientStats(
                    roundTripMilliseconds: 38, microphoneDecibels: -31.5, underruns: 0, codec: "opus",
                    device: "headset"))
        ),
    ]

    private static let session = ["s_1"].compactMap { SessionID($0) }[0]

    private static let fromAgent: [(String, AgentMessage)] = [
        (
            "agent-welcome",
            .welcome(
                Welcome(
                    session: session, resumed: false, rejoinToken: "eyJhbGciOiJIUzI1NiJ9.e30.x",
                    phase: "interview", language: "pt-BR", endsInMilliseconds: 1_800_000, rejoinMilliseconds: 120_000))
        ),
        (
            "agent-welcome-resumed",
            .welcome(
                Welcome(
                    session: session, resumed: true, rejoinToken: "eyJhbGciOiJIUzI1NiJ9.e30.x",
                    url: "wss://b.example.org", phase: "interview", language: "en", endsInMilliseconds: 1_700_000,
                    rejoinMilliseconds: 120_000, resendFrom: .max))
        ),
        ("agent-prepared", .prepared),
        ("agent-state", .state(.wrappingUp)),
        ("agent-item", .item(id: "a-18", startTimestamp: .max - 959)),
        ("agent-flush", .flush(item: "a-18")),
        (
            "agent-transcript",
            .transcript(role: .agent, item: "a-18", text: "Was meinen Sie mit \"schön\"?\nUnd \\ ☕", final: false)
        ),
        ("agent-ack", .ack(timestamp: 960)),
        ("agent-beat", .beat),
        (
            "agent-move",
            .move(token: "eyJhbGciOiJIUzI1NiJ9.e30.y", url: "wss://b.example.org", deadlineMilliseconds: 5_000)
        ),
        ("agent-cost", .cost(micros: 123_456)),
        ("agent-bye", .bye(reason: "restart", rejoinInMilliseconds: 800)),
        ("agent-bye-end", .bye(reason: "completed", rejoinInMilliseconds: nil)),
        ("agent-error", .error(code: "bad_message", message: "A text frame is one JSON object.")),
    ]

    @Test("clients' messages are read and written as the files have them", arguments: fromClient.map(\.0))
    func client(name: String) throws {
        let message = try #require(Self.fromClient.first { $0.0 == name }?.1)
        let golden = try Self.bytes(name)
        #expect(try golden.withUnsafeBytes { try ParticipantCodec.decodeParticipant($0) } == message)
        #expect(ParticipantCodec.encode(message) == golden)
    }

    @Test("voiced's messages are read and written as the files have them", arguments: fromAgent.map(\.0))
    func agent(name: String) throws {
        let message = try #require(Self.fromAgent.first { $0.0 == name }?.1)
        let golden = try Self.bytes(name)
        #expect(try golden.withUnsafeBytes { try ParticipantCodec.decodeAgent($0) } == message)
        #expect(ParticipantCodec.encode(message) == golden)
    }

    @Test("every file has its test")
    func complete() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter {
            $0.hasSuffix(".json")
        }
        let names = Set(files.map { String($0.dropLast(5)) })
        #expect(names == Set(Self.fromClient.map(\.0) + Self.fromAgent.map(\.0)))
    }
}
