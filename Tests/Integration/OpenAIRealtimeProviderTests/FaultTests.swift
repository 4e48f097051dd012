import Foundation
import InterviewCore
import NIOHTTP1
import OpenAIRealtimeProvider
import Ports
import Testing

extension ProviderTests {
    /// Against a server that does what no provider should.
    @Suite struct FaultTests {
        private static func served(
            _ script: @escaping ScriptedServer.Script, host: String = "127.0.0.1",
            adjusting: (inout OpenAIRealtimeSettings) -> Void = { _ in },
            _ body: (Rig, ScriptedServer) async throws -> Void
        ) async throws {
            let server = try await ScriptedServer.start(script)
            do {
                try await Rig.with("ws://\(host):\(server.port)/v1", adjusting: adjusting) {
                    try await body($0, server)
                }
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
        }

        /// What is told when the server answers the request for an answer with `words`.
        private static func told(
            after words: [ScriptedServer.Say], adjusting: (inout OpenAIRealtimeSettings) -> Void = { _ in }
        ) async throws -> [Story.Happening] {
            var told: [Story.Happening] = []
            try await served(
                ScriptedServer.polite { type, _ in type == "response.create" ? words : [] }, adjusting: adjusting
            ) { rig, _ in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                _ = await story.untilReady()
                await rig.loop.run { connection.requestAnswer(instructions: nil) }
                told = await story.until(\.isFinish)
                await rig.close(connection)
            }
            return told
        }

        private static let started = [
            ScriptedServer.Say.text(#"{"type":"response.created","response":{"id":"r1","status":"in_progress"}}"#),
            .text(
                #"{"type":"response.output_item.added","response_id":"r1","output_index":0,"#
                    + #""item":{"id":"i1","type":"message","role":"assistant"}}"#),
        ]
        private static func delta(_ sound: String, item: String = "i1", response: String = "r1") -> ScriptedServer.Say {
            .text(
                #"{"type":"response.output_audio.delta","response_id":"\#(response)","item_id":"\#(item)","#
                    + #""output_index":0,"content_index":0,"delta":"\#(sound)"}"#)
        }
        private static func done(_ status: String) -> ScriptedServer.Say {
            .text(#"{"type":"response.done","response":{"id":"r1","status":"\#(status)","usage":{"output_tokens":5}}}"#)
        }
        private static func error(_ code: String) -> ScriptedServer.Say {
            .text(#"{"type":"error","error":{"type":"invalid_request_error","code":"\#(code)","message":"?"}}"#)
        }

        @Test("the request carries path, model, key and names, and no beta header")
        func request() async throws {
            try await Self.served(
                ScriptedServer.polite,
                adjusting: {
                    $0.model = "gpt realtime/2"
                    $0.organization = "org-1"
                    $0.project = "proj-1"
                }
            ) { rig, server in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                #expect(await story.untilReady() == [.ready])
                let head = try #require(server.heads.first)
                #expect(head.uri == "/v1/realtime?model=gpt%20realtime%2F2")
                #expect(head.headers["authorization"] == ["Bearer sk-test"])
                #expect(head.headers["openai-organization"] == ["org-1"])
                #expect(head.headers["openai-project"] == ["proj-1"])
                #expect(head.headers["openai-beta"].isEmpty)
                #expect(head.headers["host"] == ["127.0.0.1:\(server.port)"])
                await rig.close(connection)
            }
        }

        @Test("a host name is resolved off the loop and all its addresses are tried")
        func hostName() async throws {
            try await Self.served(ScriptedServer.polite, host: "localhost") { rig, _ in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                #expect(await story.untilReady() == [.ready])
                #expect(!story.wasToldElsewhere)
                await rig.close(connection)
            }
        }

        @Test("nobody there is a network failure")
        func refusedPort() async throws {
            let server = try await ScriptedServer.start()
            await server.stop()
            try await Rig.with("ws://127.0.0.1:\(server.port)/v1") { rig in
                let story = Story(loop: rig.loop)
                _ = await rig.open(Rig.setup, story)
                let told = await story.untilReady()
                guard case .failed(let failure)? = told.first, told.count == 1 else {
                    Issue.record("\(told)")
                    return
                }
                #expect(failure.kind == .network)
            }
        }

        @Test("a name that does not exist is a network failure, told on the loop")
        func unknownHost() async throws {
            try await Rig.with("ws://nobody.invalid:9/v1") { rig in
                let story = Story(loop: rig.loop)
                _ = await rig.open(Rig.setup, story)
                #expect(await story.untilReady() == [.failed(ProviderFailure(kind: .network, code: "dns"))])
                #expect(!story.wasToldElsewhere)
            }
        }

        @Test(
            "the status of a refused upgrade decides the kind",
            arguments: [
                (401, ProviderFailure.Kind.auth), (403, .auth), (402, .quota), (429, .rateLimit), (500, .server),
                (503, .server), (404, .protocol),
            ])
        func refused(status: Int, kind: ProviderFailure.Kind) async throws {
            let server = try await ScriptedServer.start(refusing: .init(statusCode: status))
            try await Rig.with("ws://127.0.0.1:\(server.port)/v1") { rig in
                let story = Story(loop: rig.loop)
                _ = await rig.open(Rig.setup, story)
                #expect(await story.untilReady() == [.failed(ProviderFailure(kind: kind, code: "http_\(status)"))])
            }
            await server.stop()
        }

        @Test("a provider that never confirms is given up", arguments: ["session.created", "session.updated", "item"])
        func silent(missing: String) async throws {
            let script: ScriptedServer.Script = { type, event in
                switch (missing, type) {
                case ("session.created", ""), ("session.updated", "session.update"),
                    ("item", "conversation.item.create"):
                    []
                default: ScriptedServer.polite(type, event)
                }
            }
            try await Self.served(script, adjusting: { $0.readyTimeout = .milliseconds(300) }) { rig, _ in
                let story = Story(loop: rig.loop)
                var setup = Rig.setup
                setup.context = [.participant("Yes.")]
                _ = await rig.open(setup, story)
                #expect(await story.untilReady() == [.failed(ProviderFailure(kind: .network, code: "ready_timeout"))])
            }
        }

        static let endings: [(String, [ScriptedServer.Say], ProviderFailure)] = [
            ("garbage", [.text("garbage")], ProviderFailure(kind: .protocol, code: "malformed_json")),
            (
                "half an object", [.text(#"{"type":"response.done""#)],
                ProviderFailure(kind: .protocol, code: "malformed_json")
            ),
            ("no type", [.text(#"{"kind":"x"}"#)], ProviderFailure(kind: .protocol, code: "untyped_event")),
            ("binary garbage", [.binary([0, 255, 1])], ProviderFailure(kind: .protocol, code: "malformed_json")),
            (
                "a known event without its fields", [.text(#"{"type":"response.done","response":{}}"#)],
                ProviderFailure(kind: .protocol, code: "bad_body:response.done")
            ),
            ("sound that is none", started + [delta("!!!!")], ProviderFailure(kind: .protocol, code: "bad_audio")),
            (
                "close in mid-answer", started + [delta("AAAA"), .close(1_011)],
                ProviderFailure(kind: .server, code: "close_1011")
            ),
            ("service restart", [.close(1_012)], ProviderFailure(kind: .server, code: "close_1002")),
            ("policy", [.close(1_008)], ProviderFailure(kind: .protocol, code: "close_1008")),
            ("the line breaks", started + [.drop], ProviderFailure(kind: .network, code: "close_1006")),
            (
                "an hour is over", [error("session_expired"), .close(1_001)],
                ProviderFailure(kind: .expired, code: "session_expired")
            ),
            ("no money", [error("insufficient_quota")], ProviderFailure(kind: .quota, code: "insufficient_quota")),
            (
                "limit of the bill", [error("billing_hard_limit_reached")],
                ProviderFailure(kind: .quota, code: "billing_hard_limit_reached")
            ),
            ("the key is withdrawn", [error("invalid_api_key")], ProviderFailure(kind: .auth, code: "invalid_api_key")),
            (
                "told why, then closed", [error("rate_limit_exceeded"), .close(1_013)],
                ProviderFailure(kind: .rateLimit, code: "rate_limit_exceeded")
            ),
        ]

        @Test("each way to end is a failure of its kind, told once", arguments: endings.indices)
        func ending(index: Int) async throws {
            let (name, words, failure) = Self.endings[index]
            let told = try await Self.told(after: words)
            #expect(told.failure == failure, "\(name): \(told.events)")
            #expect(told.events.filter(\.isFailure).count == 1)
        }

        @Test("unknown events and fields are ignored and counted, an empty delta says nothing")
        func unknown() async throws {
            try await Self.served(
                ScriptedServer.polite { type, _ in
                    guard type == "response.create" else { return [] }
                    return [.text(#"{"type":"response.hologram.delta","x":[1,{"y":"}"}]}"#)] + Self.started
                        + [
                            Self.delta(""), Self.delta("AQACAA=="),
                            .text(#"{"type":"rate_limits.updated","rate_limits":[]}"#),
                        ]
                        + [Self.done("completed")]
                }
            ) { rig, _ in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                _ = await story.untilReady()
                await rig.loop.run { connection.requestAnswer(instructions: nil) }
                let told = await story.until(\.isFinish)
                #expect(told.samples == [1, 2])
                let deltas = told.filter { if case .spoke = $0 { true } else { false } }
                #expect(deltas.count == 1)
                #expect(told.failure == nil)
                #expect(rig.factory.counters.unknownEvents == 1)
                await rig.close(connection)
            }
        }

        @Test("sound of a cancelled answer is dropped, its late end is told with its bill")
        func cancelled() async throws {
            try await Self.served(
                ScriptedServer.polite { type, _ in
                    switch type {
                    case "response.create": Self.started + [Self.delta("AQACAA==")]
                    case "response.cancel": [Self.delta("AwAEAA=="), Self.done("cancelled")]
                    default: []
                    }
                }
            ) { rig, server in
                let story = Story(loop: rig.loop) { connection, happening in
                    if case .spoke = happening { connection.cancelAnswer() }
                }
                let connection = await rig.open(Rig.setup, story)
                _ = await story.untilReady()
                await rig.loop.run { connection.requestAnswer(instructions: nil) }
                let told = await story.until(\.isFinish)
                #expect(told.samples == [1, 2])
                #expect(
                    told.events.last == .answerFinished(response: "r1", outcome: .cancelled, usage: Usage(audioOut: 5)))
                #expect(server.events.last == #"{"type":"response.cancel","response_id":"r1"}"#)
                await rig.close(connection)
            }
        }

        @Test("a sample split over two deltas is whole, and a session closing in a report hears no more")
        func splitAndClosed() async throws {
            let script = ScriptedServer.polite { type, _ in
                type == "response.create"
                    ? Self.started + [
                        Self.delta("AQAC"), Self.delta("AAMA"), Self.done("completed"), Self.delta("BAAF"),
                    ] : []
            }
            try await Self.served(script) { rig, _ in
                let story = Story(loop: rig.loop) { connection, happening in
                    if case .did(.answerFinished) = happening { connection.close() }
                }
                let connection = await rig.open(Rig.setup, story)
                _ = await story.untilReady()
                await rig.loop.run { connection.requestAnswer(instructions: nil) }
                let told = await story.until(\.isFinish)
                #expect(told.samples == [1, 2, 3])
                #expect(await story.rest().isEmpty)
            }
        }

        @Test("the end of the session's time is announced once")
        func goingAway() async throws {
            try await Self.served(
                ScriptedServer.polite,
                adjusting: {
                    $0.sessionLimit = .milliseconds(300_100)
                    $0.goingAwayAfter = .milliseconds(100)
                    $0.goingAwayJitter = 0
                }
            ) { rig, _ in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                _ = await story.untilReady()
                let told = await story.until { if case .goingAway = $0 { true } else { false } }
                guard case .goingAway(let within)? = told.events.last else { return }
                #expect(told.count == 1)
                // The timer may be late, and so is the announcement then.
                #expect(within <= .seconds(300) && within > .seconds(290))
                await rig.close(connection)
            }
        }
    }
}
