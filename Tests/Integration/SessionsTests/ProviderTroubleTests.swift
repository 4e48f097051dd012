import InterviewCore
import Ports
import Sessions
import TestKit
import Testing

/// Connections that die or fall silent in the middle of a turn.
@Suite struct ProviderTroubleTests {
    /// `milliseconds` of frames from the participant.
    private func speaks(_ rig: Rig, _ transport: NarratingTransport, from first: Int, milliseconds: Int) async {
        for number in first..<(first + milliseconds / 20) {
            await rig.loop.run {
                transport.speaks(
                    AudioFrameHeader(
                        format: .opus, sequence: UInt16(truncatingIfNeeded: number),
                        timestamp: UInt32(truncatingIfNeeded: number * 960)), OpusPacket.silence)
            }
            await rig.loop.advance(by: .milliseconds(20))
        }
    }

    private func heard(_ rig: Rig) -> Int {
        rig.provider.story.lines.reduce(0) { sum, line in
            if case .heard(let samples) = line { sum + samples } else { sum }
        }
    }

    @Test("the sound of a turn that was cut off goes to the next connection, which answers by itself")
    func cutTurn() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("How was it?", item: "a1", response: "r1", milliseconds: 200)
        await speaks(rig, transport, from: 0, milliseconds: 2_000)
        await line.says(.speechStarted(item: "u1", audioStartMilliseconds: 500))
        await speaks(rig, transport, from: 100, milliseconds: 1_000)
        rig.provider.story.clear()
        await line.says(.failed(ProviderFailure(kind: .network, code: "ECONNRESET")))
        await speaks(rig, transport, from: 150, milliseconds: 1_000)
        let again = try #require(rig.provider.latest)
        #expect(rig.provider.openedCount == 2)
        #expect(heard(rig) == 0)
        await rig.loop.run { again.says(.ready) }
        // 2.5 s of the turn and 1 s that came while nobody listened, give or take the silence before the first frame.
        let samples = heard(rig)
        #expect(abs(samples - Rig.rate * 3_500 / 1_000) <= Rig.rate / 5, "\(samples)")
        let asked = rig.provider.story.lines.contains { if case .asked = $0 { true } else { false } }
        #expect(!asked)
        await Line(loop: rig.loop, connection: again).hears("It was fine", item: "u1", from: 0, to: 3_000)
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(claims)
        #expect(try await rig.turns(claims).map(\.text) == ["How was it?", "It was fine"])
    }

    @Test("a provider that owes an answer and says nothing for ten seconds is replaced")
    func stalled() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("How was it?", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await line.hears("It was fine", item: "u1")
        await rig.loop.advance(by: .seconds(9))
        #expect(rig.provider.openedCount == 1)
        await rig.loop.advance(by: .seconds(2))
        #expect(rig.provider.openedCount == 2)
        #expect(transport.story.lines.contains(.message(.state(.reconnecting))))
        let again = try #require(rig.provider.latest)
        rig.provider.story.clear()
        await rig.loop.run { again.says(.ready) }
        await rig.provider.story.line { $0 == .asked(instructions: nil) }
        #expect(rig.metrics.value(Metric.providerErrors, ["fake", "network"]) == 1)
    }

    @Test("an answer that was cut off is asked for again")
    func cutAnswer() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (_, line) = try await rig.call(claims)
        await line.answers("A long one", item: "a1", response: "r1", milliseconds: 300, finished: false)
        await rig.loop.advance(by: .seconds(1))
        await line.says(.failed(ProviderFailure(kind: .server, code: "close_1011")))
        await rig.loop.advance(by: .seconds(1))
        let again = try #require(rig.provider.latest)
        rig.provider.story.clear()
        await rig.loop.run { again.says(.ready) }
        await rig.provider.story.line { $0 == .asked(instructions: nil) }
    }

    @Test("a provider lost behind the goodbye lets it play out, and the interview is completed")
    func lostBehindGoodbye() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("Thank you, goodbye.", item: "a1", response: "r1", milliseconds: 2_000, finished: false)
        await line.says(
            .toolCalled(call: "c1", name: "end_interview", arguments: "{}", response: "r1"),
            .answerFinished(response: "r1", outcome: .completed, usage: nil),
            .failed(ProviderFailure(kind: .server, code: "close_1011")))
        await rig.loop.advance(by: .seconds(4))
        await transport.story.line { $0 == .closed(.ended, "completed") }
        #expect(transport.audioFrames == 100)
        #expect(rig.provider.openedCount == 1)
        await rig.settled(claims)
        #expect(try await rig.row(claims).completionReason == .completed)
    }

    @Test("a goodbye that was lost with the provider is asked for on another connection")
    func lostGoodbye() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("How was it?", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await line.says(
            .answerStarted(response: "r2"),
            .toolCalled(call: "c1", name: "end_interview", arguments: "{}", response: "r2"),
            .answerFinished(response: "r2", outcome: .completed, usage: nil),
            .failed(ProviderFailure(kind: .server, code: "close_1011")))
        await rig.loop.advance(by: .seconds(1))
        let again = try #require(rig.provider.latest)
        rig.provider.story.clear()
        await rig.loop.run { again.says(.ready) }
        await rig.provider.story.line {
            if case .asked(let instructions) = $0 { instructions?.contains("goodbye") == true } else { false }
        }
        await Line(loop: rig.loop, connection: again)
            .answers("Goodbye.", item: "a1", response: "r3", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await transport.story.line { $0 == .closed(.ended, "completed") }
        await rig.settled(claims)
        #expect(try await rig.turns(claims).map(\.text) == ["How was it?", "Goodbye."])
    }

    @Test("an account out of money is counted once")
    func countedOnce() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (_, line) = try await rig.call(claims)
        let failure = ProviderFailure(kind: .quota, code: "insufficient_quota")
        await line.says(
            .answerStarted(response: "r1"), .answerFinished(response: "r1", outcome: .failed(failure), usage: nil))
        await rig.settled(claims)
        #expect(rig.metrics.value(Metric.providerErrors, ["fake", "quota"]) == 1)
        #expect(try await rig.row(claims).completionDetail == "quota")
    }

    @Test("a provider that says nothing to speech is asked for a sign of life; silence asks for none")
    func silentLine() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims, Rig.hello(up: .pcm))
        await line.answers("How was it?", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        let ping = NarratingProvider.Line.pinged(within: LineWatch.pongWithin)
        await hums(rig, transport, from: 0, count: 400, level: 20)
        #expect(!rig.provider.story.lines.contains(ping))
        await hums(rig, transport, from: 400, count: 200, level: 4_000)
        #expect(!rig.provider.story.lines.contains(ping))
        await hums(rig, transport, from: 600, count: 60, level: 4_000)
        #expect(rig.provider.story.lines.contains(ping))
    }

    /// Frames of 20 ms of PCM.
    private func hums(
        _ rig: Rig, _ transport: NarratingTransport, from first: Int, count: Int, level: Int16
    ) async {
        let bytes = (0..<480).flatMap { index -> [UInt8] in
            let value = UInt16(bitPattern: index % 80 < 40 ? level : -level)
            return [UInt8(value & 0xFF), UInt8(value >> 8)]
        }
        for number in first..<(first + count) {
            await rig.loop.run {
                transport.speaks(
                    AudioFrameHeader(
                        format: .pcm, sequence: UInt16(truncatingIfNeeded: number),
                        timestamp: UInt32(truncatingIfNeeded: number * 960)), bytes)
            }
            await rig.loop.advance(by: .milliseconds(20))
        }
    }

    @Test("connections that die one after the other without an answer end the session with their reason")
    func hopeless() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (_, _) = try await rig.call(claims)
        for _ in 0...ReopenPolicy.mostDeaths {
            let connection = try #require(rig.provider.latest)
            await rig.loop.run { connection.says(.ready) }
            await rig.loop.run { connection.says(.failed(ProviderFailure(kind: .server, code: "close_1011"))) }
            await rig.loop.advance(by: .seconds(4))
        }
        await rig.settled(claims)
        let row = try await rig.row(claims)
        #expect(row.completionReason == .providerFailed)
        #expect(row.completionDetail == "server")
    }
}
