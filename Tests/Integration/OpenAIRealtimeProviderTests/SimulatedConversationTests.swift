import Foundation
import InterviewCore
import OpenAIRealtimeProvider
import Ports
import ProviderSimulator
import Synchronization
import Testing
import WireFormats

extension ProviderTests {
    /// Against the simulator, which shares no code with the adapter.
    @Suite struct SimulatedConversationTests {
        private static func options(_ adjusting: (inout SimulatorOptions) -> Void = { _ in }) -> SimulatorOptions {
            var options = SimulatorOptions()
            options.script = Script(
                greeting: Script.Answer("Hello. How are you?"), answers: [Script.Answer("I see.")],
                userTranscripts: ["Front center."])
            options.voice = .tone
            options.streamingSpeed = 0
            options.firstAudioLatency = .milliseconds(5)
            options.transcriptionLatency = .milliseconds(5)
            adjusting(&options)
            return options
        }

        private static func rehearse(
            _ options: SimulatorOptions = options(), key: String = "sk-test",
            adjusting: (inout OpenAIRealtimeSettings) -> Void = { _ in },
            _ body: (Rig, Simulator) async throws -> Void
        ) async throws {
            let simulator = try Simulator(options: options)
            try await simulator.start()
            let address = try #require(await simulator.baseAddress)
            do {
                try await Rig.with(address, key: key, adjusting: adjusting) { try await body($0, simulator) }
            } catch {
                await simulator.stop()
                throw error
            }
            await simulator.stop()
        }

        @Test("a greeting is heard from its first sample to its bill, on the loop's own thread")
        func greeting() async throws {
            try await Self.rehearse { rig, simulator in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                #expect(await story.untilReady() == [.ready])
                await rig.loop.run { connection.requestAnswer(instructions: "Say hello.") }
                let heard = await story.until(\.isFinish)

                guard case .answerStarted(let response)? = heard.events.first else {
                    Issue.record("no answer: \(heard.events)")
                    return
                }
                guard case .agentItemStarted(let item, response)? = heard.events.dropFirst().first else {
                    Issue.record("no item: \(heard.events)")
                    return
                }
                let said = try #require(simulator.log.entries(of: .said).first)
                #expect(said["item"]?.string == item)
                #expect(said["bytes"]?.integer == heard.samples.count * 2)
                #expect(heard.samples.count > 12_000)
                #expect(Set(heard.samples).count > 100)
                #expect(heard.contains(.did(.agentAudioFinished(item: item))))

                let texts = heard.events.compactMap { event in
                    if case .agentTranscript(item, let text, let final) = event { (text, final) } else { nil }
                }
                #expect(texts.last?.0 == "Hello. How are you?" && texts.last?.1 == true)
                #expect(texts.filter(\.1).count == 1)
                for (shorter, longer) in zip(texts, texts.dropFirst()) { #expect(longer.0.hasPrefix(shorter.0)) }

                guard case .answerFinished(response, .completed, let usage?)? = heard.events.last else {
                    Issue.record("no bill: \(heard.events)")
                    return
                }
                #expect(usage.audioOut > 0 && usage.textIn > 0)
                let bill = try #require(simulator.log.entries(of: .responseDone).first?["usage"])
                #expect(bill["output_token_details"]?["audio_tokens"]?.integer == usage.audioOut)
                #expect(bill["input_token_details"]?["text_tokens"]?.integer == usage.textIn)

                #expect(!story.wasToldElsewhere)
                let thread = await rig.loop.run { pthread_self() }
                #expect(rig.probe.threads(of: .providerIn) == [thread])
                await rig.close(connection)
            }
        }

        @Test("a recorded voice is heard, transcribed, billed and answered")
        func turn() async throws {
            let voice = try RecordedVoice()
            try await Self.rehearse { rig, simulator in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                _ = await story.untilReady()
                #expect(await rig.append(voice.samples, to: connection))
                let heard = await story.until(\.isFinish).events

                let item =
                    heard.compactMap { if case .inputCommitted(let item) = $0 { item } else { nil } }.first ?? "?"
                guard case .speechStarted(item, let start)? = heard.first else {
                    Issue.record("no speech: \(heard)")
                    return
                }
                let stops = heard.compactMap { event in
                    if case .speechStopped(item, let end) = event { end } else { nil }
                }
                // Half a second of silence first; the simulator subtracts its prefix, the voice lasts about 1.4 s.
                #expect((0...1_000).contains(start) && stops.count == 1 && stops[0] > start + 500)
                #expect(heard.contains(.participantTranscript(item: item, text: "Front center.", final: true)))
                let isBilled = heard.contains { event in
                    if case .transcriptionUsage(item, let usage) = event { usage != Usage() } else { false }
                }
                #expect(isBilled)
                guard case .answerFinished(_, .completed, .some)? = heard.last else {
                    Issue.record("no answer: \(heard)")
                    return
                }
                #expect(simulator.log.entries(of: .errorSent).isEmpty)
                let thread = await rig.loop.run { pthread_self() }
                #expect(rig.probe.threads(of: .providerOut) == [thread])
                await rig.close(connection)
            }
        }

        @Test(
            "barge-in: the answer ends as cancelled, its item is cut where it was heard, no sound of it comes any more")
        func bargeIn() async throws {
            let voice = try RecordedVoice()
            let options = Self.options {
                $0.streamingSpeed = 2
                $0.script.greeting = Script.Answer(String(repeating: "This is a long story. ", count: 20))
            }
            try await Self.rehearse(options) { rig, simulator in
                let truncated = Mutex<String?>(nil)
                let late = Mutex(0)
                let story = Story(loop: rig.loop) { connection, happening in
                    switch happening {
                    case .did(.agentItemStarted(let item, _)):
                        truncated.withLock { if $0 == nil { $0 = "+" + item } }
                    case .did(.speechStarted):
                        // As a session does: at once, in the callback.
                        guard let item = truncated.withLock({ $0 }), item.hasPrefix("+") else { return }
                        truncated.withLock { $0 = String(item.dropFirst()) }
                        connection.truncate(item: String(item.dropFirst()), heard: .milliseconds(250))
                    case .spoke(_, let item, _):
                        if item == truncated.withLock({ $0 }) { late.withLock { $0 += 1 } }
                    default: break
                    }
                }
                let connection = await rig.open(Rig.setup, story)
                _ = await story.untilReady()
                await rig.loop.run { connection.requestAnswer(instructions: nil) }
                // More than will have been heard of it.
                await story.until(samples: 12_000)
                #expect(await rig.append(voice.samples, to: connection))
                let cut = await story.until { if case .truncated = $0 { true } else { false } }.events
                let item = truncated.withLock { $0 }
                let isCancelled = cut.contains { event in
                    if case .answerFinished(_, .cancelled, .some) = event { true } else { false }
                }
                #expect(isCancelled)
                #expect(cut.last == .truncated(item: item ?? "?"))
                #expect(late.withLock { $0 } == 0)
                let log = try #require(simulator.log.entries(of: .truncated).first)
                #expect(log["item"]?.string == item)
                #expect(log["audio_end_ms"]?.integer == 250)
                await rig.close(connection)
            }
        }

        @Test("a tool call is told once, complete, before its answer's end; its output makes the model speak again")
        func tool() async throws {
            let options = Self.options {
                $0.script.greeting = Script.Answer(
                    "Goodbye.", call: Script.ToolCall(name: "end_interview", arguments: #"{"reason":"completed"}"#))
                $0.script.afterTool = Script.Answer("Farewell.")
            }
            var setup = Rig.setup
            setup.tools = [
                ToolDefinition(name: "end_interview", description: "Ends.", parameters: #"{"type":"object"}"#)
            ]
            try await Self.rehearse(options) { [setup] rig, simulator in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(setup, story)
                _ = await story.untilReady()
                await rig.loop.run { connection.requestAnswer(instructions: nil) }
                let first = await story.until(\.isFinish).events
                let calls = first.compactMap { event in
                    if case .toolCalled(let call, "end_interview", let arguments, _) = event {
                        (call, arguments)
                    } else {
                        nil
                    }
                }
                let (call, arguments) = try #require(calls.count == 1 ? calls.first : nil)
                #expect(arguments == #"{"reason":"completed"}"#)
                await rig.loop.run { connection.answerTool(call: call, output: #"{"ok":true}"#, thenSpeak: true) }
                let second = await story.until(\.isFinish).events
                let isSpoken = second.contains { event in
                    if case .agentTranscript(_, "Farewell.", true) = event { true } else { false }
                }
                #expect(isSpoken)
                #expect(simulator.log.entries(of: .toolOutput).first?["call_id"]?.string == call)
                #expect(simulator.log.entries(of: .errorSent).isEmpty)
                await rig.close(connection)
            }
        }

        @Test("the conversation so far is in the provider, in order, before ready is told")
        func context() async throws {
            var setup = Rig.setup
            setup.context = [
                .agent("How are you?"), .participant("Fine \"thanks\"\n– and you?"), .system("They resume."),
            ]
            try await Self.rehearse { [setup] rig, simulator in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(setup, story)
                #expect(await story.untilReady() == [.ready])
                let items = simulator.log.entries(of: .itemCreated)
                #expect(items.map { $0["role"]?.string } == ["assistant", "user", "system"])
                #expect(
                    items.map { $0["text"]?.string } == ["How are you?", "Fine \"thanks\"\n– and you?", "They resume."])
                await rig.close(connection)
            }
        }

        @Test(
            "what the provider only complains about ends nothing: cut beyond the end, at zero, unknown, cancel of nothing"
        )
        func complaints() async throws {
            try await Self.rehearse { rig, _ in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                _ = await story.untilReady()
                await rig.loop.run { connection.requestAnswer(instructions: nil) }
                let first = await story.until(\.isFinish).events
                let item = first.compactMap { if case .agentItemStarted(let item, _) = $0 { item } else { nil } }[0]
                await rig.loop.run {
                    connection.cancelAnswer()
                    connection.truncate(item: item, heard: .seconds(3_000))
                    connection.truncate(item: "item_nowhere", heard: .seconds(1))
                    connection.truncate(item: item, heard: .zero)
                }
                let after = await story.until { $0 == .truncated(item: item) }.events
                let complaints = after.filter { if case .complained = $0 { true } else { false } }
                #expect(complaints.count == 3, "\(after)")
                #expect(after.filter(\.isFailure).isEmpty)
                await rig.loop.run { connection.requestAnswer(instructions: nil) }
                guard case .answerFinished(_, .completed, _)? = await story.until(\.isFinish).events.last else {
                    Issue.record("the conversation is over")
                    return
                }
                await rig.close(connection)
            }
        }

        @Test("a wrong key is an auth failure, and the last thing told")
        func wrongKey() async throws {
            try await Self.rehearse(Self.options { $0.apiKey = "sk-right" }) { rig, _ in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                #expect(await story.untilReady() == [.failed(ProviderFailure(kind: .auth, code: "http_401"))])
                await rig.close(connection)
                #expect(await story.rest().isEmpty)
            }
        }

        @Test("a configuration that the provider refuses fails at once, by the provider's code")
        func refusedSetup() async throws {
            try await Self.rehearse(adjusting: { $0.turnDetection = .server(.init(threshold: 7)) }) { rig, _ in
                let story = Story(loop: rig.loop)
                let connection = await rig.open(Rig.setup, story)
                let told = await story.untilReady()
                guard case .failed(let failure)? = told.last, told.count == 1 else {
                    Issue.record("\(told)")
                    return
                }
                #expect(failure.kind == .protocol)
                await rig.close(connection)
            }
        }

        @Test("before ready and after close nothing is taken and nothing told")
        func outside() async throws {
            try await Self.rehearse { rig, simulator in
                let story = Story(loop: rig.loop)
                let (connection, taken) = await rig.loop.run {
                    let connection = rig.factory.open(on: rig.loop, setup: Rig.setup, events: story)
                    return (connection, [1, 2, 3].withUnsafeBufferPointer { connection.appendAudio($0) })
                }
                #expect(!taken)
                _ = await story.untilReady()
                #expect(await rig.append([1, 2, 3], to: connection))
                await rig.loop.run {
                    connection.requestAnswer(instructions: nil)
                    connection.close()
                    connection.close()
                    connection.requestAnswer(instructions: nil)
                }
                #expect(await rig.append([1, 2, 3], to: connection) == false)
                for await entry in simulator.log.follow() where entry.kind == .closed { break }
                #expect(await story.rest().isEmpty)
                #expect(simulator.log.entries(of: .responseCreated).count == 1)
            }
        }
    }
}
