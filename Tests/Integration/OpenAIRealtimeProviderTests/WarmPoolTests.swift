import Foundation
import NIOHTTP1
import OpenAIRealtimeProvider
import Ports
import Testing

extension ProviderTests {
    /// Connections that are kept ready.
    @Suite struct WarmPoolTests {
        private static func served(
            size: Int, _ script: @escaping ScriptedServer.Script = ScriptedServer.polite,
            refusing: HTTPResponseStatus? = nil, adjusting: (inout OpenAIRealtimeSettings) -> Void = { _ in },
            _ body: (Rig, ScriptedServer) async throws -> Void
        ) async throws {
            let server = try await ScriptedServer.start(refusing: refusing, script)
            do {
                try await Rig.with("ws://127.0.0.1:\(server.port)/v1") {
                    $0.prewarmSize = size
                    adjusting(&$0)
                } _: {
                    try await body($0, server)
                    $0.factory.stopPrewarming()
                    await $0.loop.run {}
                }
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
        }

        /// Waits until the factory's report fits.
        private static func until(_ rig: Rig, _ fits: (PrewarmReport) -> Bool) async throws -> Bool {
            for _ in 0..<500 {
                if fits(rig.factory.prewarmed) { return true }
                try await Task.sleep(for: .milliseconds(10))
            }
            Issue.record("\(rig.factory.prewarmed)")
            return false
        }

        @Test("as many as configured are connected, none of them configured; a session takes one and is ready at once")
        func taken() async throws {
            try await Self.served(size: 2) { rig, server in
                rig.factory.startPrewarming()
                guard try await Self.until(rig, { $0.ready == 2 }) else { return }
                #expect(server.heads.count == 2)
                #expect(server.events.isEmpty)
                let story = Story(loop: rig.loop)
                let connection = await rig.open(
                    ProviderSetup(instructions: "You interview.", language: "en", context: [.agent("Hello")]), story)
                #expect(await story.untilReady() == [.ready])
                #expect(server.events.count == 2)
                #expect(server.events.first?.hasPrefix(#"{"type":"session.update""#) == true)
                #expect(!story.wasToldElsewhere)
                // The place is filled again.
                _ = try await Self.until(rig) { $0.ready == 2 && $0.taken == 1 }
                #expect(server.heads.count == 3)
                await rig.close(connection)
            }
        }

        @Test("one that says nothing to its configuration is replaced by a fresh one without a word")
        func silent() async throws {
            // The first connection greets and is deaf from then on.
            let first = Flag()
            let script: ScriptedServer.Script = { type, event in
                if type == "session.update", first.raise() { return [] }
                return ScriptedServer.polite(type, event)
            }
            try await Self.served(size: 1, script) { rig, server in
                rig.factory.startPrewarming()
                guard try await Self.until(rig, { $0.ready == 1 }) else { return }
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                #expect(await story.untilReady() == [.ready])
                let report = rig.factory.prewarmed
                #expect(report.taken == 1 && report.failed == 1)
                await rig.close(connection)
            }
        }

        @Test("one that dies at its configuration is replaced by a fresh one without a word")
        func dying() async throws {
            let first = Flag()
            let script: ScriptedServer.Script = { type, event in
                if type == "session.update", first.raise() { return [.drop] }
                return ScriptedServer.polite(type, event)
            }
            try await Self.served(size: 1, script) { rig, server in
                rig.factory.startPrewarming()
                guard try await Self.until(rig, { $0.ready == 1 }) else { return }
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                #expect(await story.untilReady() == [.ready])
                await rig.close(connection)
            }
        }

        @Test("a provider that refuses is not pressed, and a session is told its own refusal")
        func refused() async throws {
            try await Self.served(size: 2, refusing: .tooManyRequests) { rig, server in
                rig.factory.startPrewarming()
                guard try await Self.until(rig, { $0.failed >= 2 }) else { return }
                #expect(rig.factory.prewarmed.ready == 0)
                #expect(server.heads.count <= 3)
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                let told = await story.until { $0 == .ready }
                #expect(told.failure == ProviderFailure(kind: .rateLimit, code: "http_429"))
                await rig.close(connection)
            }
        }

        @Test("what nobody needs is replaced by its age, and all is closed at the end")
        func aged() async throws {
            try await Self.served(
                size: 1, adjusting: { $0.prewarmMaxAge = .milliseconds(100) }
            ) { rig, server in
                rig.factory.startPrewarming()
                _ = try await Self.until(rig) { $0.aged >= 1 && $0.ready == 1 }
                rig.factory.stopPrewarming()
                _ = try await Self.until(rig) { $0.ready == 0 }
                let dialled = server.heads.count
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                #expect(await story.untilReady() == [.ready])
                #expect(rig.factory.prewarmed.taken == 0)
                #expect(server.heads.count == dialled + 1)
                await rig.close(connection)
            }
        }

        @Test("the age of a connection kept ready counts toward the vendor's limit")
        func agedAlready() async throws {
            try await Self.served(
                size: 1,
                adjusting: {
                    $0.sessionLimit = .milliseconds(1_200)
                    $0.goingAwayAfter = .milliseconds(700)
                    $0.goingAwayJitter = 0
                }
            ) { rig, _ in
                rig.factory.startPrewarming()
                guard try await Self.until(rig, { $0.ready == 1 }) else { return }
                try await Task.sleep(for: .milliseconds(800))
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                let told = await story.until { if case .goingAway = $0 { true } else { false } }
                guard case .goingAway(let within)? = told.events.last else {
                    Issue.record("\(told)")
                    return
                }
                #expect(within < .milliseconds(450))
                await rig.close(connection)
            }
        }
    }

    /// True for whoever asks first.
    private final class Flag: @unchecked Sendable {
        private let lock = NSLock()
        private var isUp = false
        func raise() -> Bool {
            lock.withLock {
                defer { isUp = true }
                return !isUp
            }
        }
    }
}
