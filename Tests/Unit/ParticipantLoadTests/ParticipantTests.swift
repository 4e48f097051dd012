import InterviewCore
import NIOHTTP1
import NIOPosix
import ParticipantLoad
import Testing

/// Against a fake voiced on a real socket; PCM, so that every payload can be compared.
@Suite("Participant")
struct ParticipantTests {
    private let loops = MultiThreadedEventLoopGroup.singleton

    private func voice(frames: Int = 200) throws -> PreparedVoice {
        let samples = (0..<frames * 480).map { Int16(truncatingIfNeeded: $0 &* 37) }
        let bytes = WaveFileTests.wave(rate: 24_000, bits: 16, channels: 1, data: LittleEndian.bytes(samples))
        return try PreparedVoice([("ramp", WaveFile(bytes: bytes))], format: .pcm)
    }

    private func settings(_ agent: FakeAgent, _ change: (inout ParticipantSettings) -> Void = { _ in }) throws
        -> ParticipantSettings
    {
        var settings = ParticipantSettings(
            session: "s1", token: "first", address: try Address("ws://127.0.0.1:\(agent.port)"), up: .pcm, down: .opus,
            style: .once, seed: 1)
        change(&settings)
        return settings
    }

    @Test("hello comes first, with formats, page life and no resume")
    func hello() async throws {
        let agent = try await FakeAgent(on: loops)
        let participant = Participant(try settings(agent), voice: try voice(), on: loops.next())
        async let report = participant.run()
        var arrivals = agent.connections.makeAsyncIterator()
        let line = try #require(await arrivals.next())
        #expect(line.head.uri == "/v1/sessions/s1/media")
        #expect(line.head.headers["authorization"] == ["Bearer first"])
        let hello = try #require(await line.next { if case .text(let fields) = $0 { fields } else { nil } })
        #expect(hello["type"] == "hello")
        #expect(hello["protocol"] == "1")
        #expect(hello["client"]?.isEmpty == false)
        #expect(hello["resume"] == nil)
        await participant.stop()
        #expect(await report.outcome == .stopped)
        try await agent.stop()
    }

    @Test("a browser's token travels as the second subprotocol")
    func subprotocolToken() async throws {
        let agent = try await FakeAgent(on: loops)
        let participant = Participant(
            try settings(agent) { $0.tokenInHeader = false }, voice: try voice(), on: loops.next())
        async let report = participant.run()
        var arrivals = agent.connections.makeAsyncIterator()
        let line = try #require(await arrivals.next())
        #expect(line.head.headers["sec-websocket-protocol"] == ["voiced.v1, bearer.first"])
        #expect(line.head.headers["authorization"].isEmpty)
        await participant.stop()
        _ = await report
        try await agent.stop()
    }

    @Test("frames go up in order across both wraps, with the prepared bytes")
    func wraps() async throws {
        let agent = try await FakeAgent(on: loops)
        let voice = try voice()
        let participant = Participant(
            try settings(agent) {
                $0.firstSequence = 65_534
                $0.firstTimestamp = UInt32.max - 960
            }, voice: voice, on: loops.next())
        async let report = participant.run()
        var arrivals = agent.connections.makeAsyncIterator()
        let line = try #require(await arrivals.next())
        _ = await line.text("hello")
        line.welcome()
        let frames = await line.audio(5)
        #expect(frames.map(\.sequence) == [65_534, 65_535, 0, 1, 2])
        #expect(frames.map(\.timestamp) == [UInt32.max - 960, UInt32.max, 959, 1_919, 2_879])
        #expect(frames.map(\.payload) == Array(voice.clips[0].frames.prefix(5)))
        await participant.stop()
        _ = await report
        try await agent.stop()
    }

    @Test("after a cut the same page life comes back with the fresh token and sends again from resend_from")
    func resends() async throws {
        let agent = try await FakeAgent(on: loops)
        let voice = try voice()
        let participant = Participant(
            try settings(agent) { $0.firstTimestamp = 0 }, voice: voice, on: loops.next())
        async let report = participant.run()
        var arrivals = agent.connections.makeAsyncIterator()
        let first = try #require(await arrivals.next())
        let hello = await first.text("hello")
        first.welcome()
        first.send(#"{"type":"item","item":"i1","start_timestamp":100}"#)
        first.sendAudio(1, 100)
        _ = await first.audio(10)
        first.cut()
        let second = try #require(await arrivals.next())
        #expect(second.head.headers["authorization"] == ["Bearer second"])
        let again = await second.text("hello")
        #expect(again?["client"] == hello?["client"])
        #expect(again?["resume"]?.contains("i1") == true)
        second.welcome(resumed: true, token: "third", resendFrom: 5 * 960)
        let frames = await second.audio(8)
        #expect(frames.map(\.timestamp) == (5..<13).map { UInt32($0 * 960) })
        #expect(frames.map(\.payload) == Array(voice.clips[0].frames[5..<13]))
        #expect(zip(frames, frames.dropFirst()).allSatisfy { $1.sequence == $0.sequence &+ 1 })
        await participant.stop()
        let end = await report
        #expect(end.connections == 2)
        #expect(end.framesSentAgain >= 5)
        try await agent.stop()
    }

    @Test("a line that the client cuts itself is no close of the peer's, however often")
    func cutsItself() async throws {
        let agent = try await FakeAgent(on: loops)
        let participant = Participant(try settings(agent), voice: try voice(), on: loops.next())
        async let report = participant.run()
        var arrivals = agent.connections.makeAsyncIterator()
        for turn in 0...RejoinPolicy.mostUncleanReturns {
            let line = try #require(await arrivals.next())
            _ = await line.text("hello")
            line.welcome(resumed: turn > 0, resendFrom: turn > 0 ? 0 : nil)
            _ = await line.audio(1)
            await participant.cutLine()
        }
        let last = try #require(await arrivals.next())
        _ = await last.text("hello")
        await participant.stop()
        let end = await report
        #expect(end.outcome == .stopped)
        #expect(end.closeCodes.isEmpty)
        #expect(end.connections == RejoinPolicy.mostUncleanReturns + 1)
        try await agent.stop()
    }

    @Test("a flush is answered with what was really heard")
    func flush() async throws {
        let agent = try await FakeAgent(on: loops)
        let participant = Participant(try settings(agent), voice: try voice(), on: loops.next())
        async let report = participant.run()
        var arrivals = agent.connections.makeAsyncIterator()
        let line = try #require(await arrivals.next())
        _ = await line.text("hello")
        line.welcome()
        line.send(#"{"type":"item","item":"i1","start_timestamp":4294967000}"#)
        for index in 0..<5 { line.sendAudio(UInt16(index), 4_294_967_000 &+ UInt32(index * 960)) }
        line.send(#"{"type":"flush","item":"i1"}"#)
        let played = try #require(await line.text("played"))
        #expect(played["item"] == "i1")
        #expect(try #require(Int(played["ms"] ?? "")) <= 100)
        line.sendAudio(5, 4_294_967_000 &+ 4_800)
        line.send(#"{"type":"bye","reason":"completed"}"#)
        line.close(1000)
        let end = await report
        #expect(end.outcome == .ended(reason: "completed"))
        #expect(end.down.frames == 6)
        #expect(end.down.misplaced == 1)
        #expect(end.firstVoice != nil)
        try await agent.stop()
    }

    @Test("a full house is tried again, a bad token is not")
    func refusals() async throws {
        let agent = try await FakeAgent(
            on: loops, doors: [.refused(status: 503, code: "full", retryAfter: 0), .open])
        let participant = Participant(try settings(agent), voice: try voice(), on: loops.next())
        async let report = participant.run()
        var arrivals = agent.connections.makeAsyncIterator()
        let line = try #require(await arrivals.next())
        _ = await line.text("hello")
        line.welcome()
        _ = await line.audio(1)
        await participant.stop()
        let end = await report
        #expect(end.refusals == 1)
        #expect(end.errors == ["503 full": 1])
        try await agent.stop()

        let strict = try await FakeAgent(
            on: loops, doors: [.refused(status: 401, code: "token", retryAfter: nil)])
        let stranger = Participant(try settings(strict), voice: try voice(), on: loops.next())
        #expect(await stranger.run().outcome == .refused(status: 401, code: "token"))
        try await strict.stop()
    }

    @Test("leaving says leave and waits for bye")
    func leaves() async throws {
        let agent = try await FakeAgent(on: loops)
        let participant = Participant(try settings(agent), voice: try voice(), on: loops.next())
        async let report = participant.run()
        var arrivals = agent.connections.makeAsyncIterator()
        let line = try #require(await arrivals.next())
        _ = await line.text("hello")
        line.welcome()
        _ = await line.audio(1)
        await participant.leave()
        #expect(await line.text("leave") != nil)
        line.send(#"{"type":"bye","reason":"participant_left"}"#)
        line.close(1000)
        #expect(await report.outcome == .ended(reason: "participant_left"))
        try await agent.stop()
    }

    @Test("muting says so and sends no frame, and the capture clock runs on")
    func mutes() async throws {
        let agent = try await FakeAgent(on: loops)
        let participant = Participant(
            try settings(agent) { $0.firstTimestamp = 0 }, voice: try voice(), on: loops.next())
        async let report = participant.run()
        var arrivals = agent.connections.makeAsyncIterator()
        let line = try #require(await arrivals.next())
        _ = await line.text("hello")
        line.welcome()
        let before = await line.audio(2)
        await participant.mute(true)
        #expect(await line.text("mute")?["on"] != nil)
        await participant.mute(false)
        #expect(await line.text("mute") != nil)
        let after = await line.audio(1)
        #expect(try #require(after.first).timestamp > (try #require(before.last)).timestamp)
        #expect(after.first?.sequence != nil)
        await participant.stop()
        _ = await report
        try await agent.stop()
    }
}
