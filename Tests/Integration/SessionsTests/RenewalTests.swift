import InterviewCore
import Ports
import SQLiteStore
import Sessions
import TestKit
import Testing

/// Connections that are replaced while they work.
@Suite struct RenewalTests {
    private static let window: Duration = .seconds(300)

    /// A call in which one question has been answered and asked again; the connection is then said to be near its end.
    private func agedCall(_ rig: Rig, _ claims: TokenClaims) async throws -> (NarratingTransport, Line) {
        let (transport, line) = try await rig.call(claims)
        await line.answers("How was it?", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await line.hears("Fine", item: "u1")
        await line.answers("And then?", item: "a2", response: "r2", milliseconds: 200)
        await line.says(.goingAway(within: Self.window))
        return (transport, line)
    }

    private func speaks(_ rig: Rig, _ transport: NarratingTransport, from first: Int, count: Int) async {
        for number in first..<(first + count) {
            await rig.loop.run {
                transport.speaks(
                    AudioFrameHeader(
                        format: .opus, sequence: UInt16(truncatingIfNeeded: number),
                        timestamp: UInt32(truncatingIfNeeded: number * 960)), OpusPacket.silence)
            }
            await rig.loop.advance(by: .milliseconds(20))
        }
    }

    private func isReconnecting(_ transport: NarratingTransport) -> Bool {
        transport.story.lines.contains(.message(.state(.reconnecting)))
    }

    @Test("an old connection is replaced between two turns, with the conversation so far, and nobody notices")
    func boundary() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await agedCall(rig, claims)
        // The agent is still being heard.
        #expect(rig.provider.openedCount == 1)
        await rig.loop.advance(by: .seconds(1))
        #expect(rig.provider.openedCount == 2)
        let setups = rig.provider.story.lines.compactMap { if case .opened(let setup) = $0 { setup } else { nil } }
        #expect(setups.last?.context == [.agent("How was it?"), .participant("Fine"), .agent("And then?")])
        let young = try #require(rig.provider.latest)
        // Until it is ready, the old one is spoken to.
        let before = line.connection.samples.count
        await speaks(rig, transport, from: 0, count: 50)
        #expect(line.connection.samples.count - before >= Rig.rate)
        #expect(young.samples.isEmpty)
        await rig.loop.run { young.says(.ready) }
        // The last quiet goes along, in case a turn has begun in it.
        let along = young.samples.count
        #expect(along > 0 && along <= 3 * Rig.rate)
        let left = line.connection.samples.count
        await speaks(rig, transport, from: 50, count: 50)
        #expect(young.samples.count - along == Rig.rate)
        #expect(line.connection.samples.count == left)
        await rig.loop.advance(by: .seconds(3))
        #expect(line.connection.isClosed)
        #expect(!isReconnecting(transport))
        #expect(rig.metrics.value(Metric.providerRenewals, ["fake"]) == 1)
        #expect(rig.metrics.value(Metric.providerErrors, ["fake", "network"]) == 0)

        let younger = Line(loop: rig.loop, connection: young)
        await younger.hears("It rained", item: "u1")
        await younger.answers("Oh.", item: "a1", response: "r3", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(claims)
        #expect(
            try await rig.turns(claims).map(\.text) == ["How was it?", "Fine", "And then?", "It rained", "Oh."])
    }

    @Test("a participant who begins to speak while it opens is taken along, from the beginning of the turn")
    func speaking() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await agedCall(rig, claims)
        await rig.loop.advance(by: .seconds(1))
        let young = try #require(rig.provider.latest)
        await speaks(rig, transport, from: 0, count: 150)
        let start = line.connection.samples.count * 1_000 / Rig.rate - 1_500
        await line.says(.speechStarted(item: "u2", audioStartMilliseconds: start))
        await speaks(rig, transport, from: 150, count: 50)
        await rig.loop.run { young.says(.ready) }
        // From the turn's beginning, one and a half seconds before it was reported, and the second since.
        #expect(abs(young.samples.count - Rig.rate * 5 / 2) <= Rig.rate / 50)
        let younger = Line(loop: rig.loop, connection: young)
        await younger.hears("A long story", item: "u1", from: 0, to: 2_000)
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(claims)
        #expect(try await rig.turns(claims).map(\.text) == ["How was it?", "Fine", "And then?", "A long story"])
        #expect(!isReconnecting(transport))
    }

    @Test("a conversation that went on meanwhile is not moved; another connection is opened later")
    func overtaken() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await agedCall(rig, claims)
        await rig.loop.advance(by: .seconds(1))
        let late = try #require(rig.provider.latest)
        await line.hears("It rained", item: "u2")
        await rig.loop.run { late.says(.ready) }
        #expect(late.isClosed)
        #expect(!line.connection.isClosed)
        await line.answers("Oh.", item: "a3", response: "r3", milliseconds: 200)
        await rig.loop.advance(by: .seconds(2))
        #expect(rig.provider.openedCount == 3)
        let young = try #require(rig.provider.latest)
        await rig.loop.run { young.says(.ready) }
        #expect(rig.metrics.value(Metric.providerRenewals, ["fake"]) == 1)
        #expect(!isReconnecting(transport))
    }

    @Test("an attempt that fails is counted and repeated, and the call goes on")
    func failing() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await agedCall(rig, claims)
        await rig.loop.advance(by: .seconds(1))
        let refused = try #require(rig.provider.latest)
        await rig.loop.run { refused.says(.failed(ProviderFailure(kind: .auth, code: "http_401"))) }
        #expect(rig.metrics.value(Metric.providerErrors, ["fake", "auth"]) == 1)
        #expect(!line.connection.isClosed)
        #expect(!isReconnecting(transport))
        await rig.loop.advance(by: RenewalPolicy.waits[0] + .milliseconds(200))
        #expect(rig.provider.openedCount == 3)
        // Lost at last: one connection is opened, not two.
        await line.says(.failed(ProviderFailure(kind: .expired, code: "session_expired")))
        #expect(try #require(rig.provider.latest).isClosed)
        await rig.loop.advance(by: .seconds(1))
        #expect(rig.provider.openedCount == 4)
        #expect(isReconnecting(transport))
    }

    @Test("at the last moment an answer is cut and asked for again; the bill of the old one still counts")
    func lastMoment() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await agedCall(rig, claims)
        await line.hears("It rained", item: "u2")
        await line.answers("Oh, and", item: "a3", response: "r3", milliseconds: 200, finished: false)
        await rig.loop.advance(by: .seconds(1))
        #expect(rig.provider.openedCount == 1)
        await line.says(.goingAway(within: .seconds(1)))
        await rig.loop.advance(by: .milliseconds(900))
        let young = try #require(rig.provider.latest)
        rig.provider.story.clear()
        await rig.loop.run { young.says(.ready) }
        await rig.provider.story.line { $0 == .asked(instructions: nil) }
        #expect(rig.provider.story.lines.contains(.cancelled))
        await line.says(.speechStarted(item: "u9", audioStartMilliseconds: 0))
        await line.says(.answerFinished(response: "r3", outcome: .cancelled, usage: Usage(textIn: 3_000)))
        await rig.loop.advance(by: .seconds(3))
        #expect(line.connection.isClosed)
        #expect(!isReconnecting(transport))
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(claims)
        #expect(try await rig.row(claims).costMicros == 3_000)
        #expect(try await rig.bills(claims).filter { $0.response == "r3" }.map(\.estimated) == [false])
    }

    @Test("the share of cached input tokens and what became of connections kept ready are on the page")
    func page() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (_, line) = try await rig.call(claims)
        await line.says(
            .answerStarted(response: "r1"),
            .answerFinished(
                response: "r1", outcome: .completed, usage: Usage(textIn: 300, audioIn: 100, cachedTextIn: 100)))
        let page = await rig.supervisor.metricsPage()
        #expect(page.contains("voice_provider_cached_tokens_ratio{provider=\"fake\"} 0.25\n"))
        #expect(page.contains("voice_provider_input_tokens_total{provider=\"fake\",kind=\"fresh\"} 300\n"))
        #expect(page.contains("voice_provider_prewarmed{provider=\"fake\"} 0\n"))
        #expect(page.contains("voice_provider_prewarmed_total{provider=\"fake\",result=\"taken\"} 0\n"))
    }

    @Test("an answer that died without a bill is charged by its seconds of sound, as an estimate")
    func estimate() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.says(
            .speechStarted(item: "u1", audioStartMilliseconds: 0),
            .speechStopped(item: "u1", audioEndMilliseconds: 2_000))
        await line.answers("Oh, and", item: "a1", response: "r1", milliseconds: 500, finished: false)
        await line.says(.failed(ProviderFailure(kind: .network, code: "close_1006")))
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(claims)
        let bills = try await rig.bills(claims)
        #expect(bills.map(\.usage) == [Usage(audioIn: 20, audioOut: 10)])
        #expect(bills.map(\.estimated) == [true])
    }
}

extension Rig {
    func bills(_ claims: TokenClaims) async throws -> [UsageEntry] {
        try await store.journal(of: claims.session).compactMap { record in
            if case .usage(let entry) = record.entry { entry } else { nil }
        }
    }
}
