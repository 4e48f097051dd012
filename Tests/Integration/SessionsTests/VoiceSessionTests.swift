import InterviewCore
import Ports
import SessionTokens
import Sessions
import TestKit
import Testing

@Suite struct VoiceSessionTests {
    @Test("nothing is told before the welcome, whatever the provider is at")
    func welcomeFirst() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let transport = try await rig.join(claims)
        await rig.provider.story.line { if case .opened = $0 { true } else { false } }
        let connection = try #require(rig.provider.latest)
        await rig.loop.run {
            connection.says(.ready)
            connection.says(.answerStarted(response: "r1"))
        }
        _ = await transport.welcome()
        let first = try #require(transport.story.lines.first)
        #expect({ if case .message(.welcome) = first { true } else { false } }())
    }

    @Test("a joined participant is welcomed, greeted, heard and answered, and all of it is in the journal")
    func conversation() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        let welcome = try #require(await transport.welcome())
        #expect(!welcome.resumed)
        #expect(welcome.language == "en")
        await rig.provider.story.line {
            if case .asked(let instructions) = $0 { instructions?.contains("Hello there.") == true } else { false }
        }
        await line.answers("Hello there.", item: "a1", response: "r1", milliseconds: 400)
        await rig.loop.advance(by: .seconds(1))
        #expect(transport.audioFrames == 20)
        await line.hears("Good morning", item: "u1")
        await line.answers("How are you?", item: "a2", response: "r2", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await rig.loop.run { transport.says(.leave) }
        await transport.story.line { $0 == .closed(.ended, "participant_left") }
        #expect(transport.story.lines.contains(.message(.bye(reason: "participant_left", rejoinInMilliseconds: nil))))
        await rig.settled(claims)
        let row = try await rig.row(claims)
        #expect(row.state == .ended)
        #expect(row.completionReason == .participantLeft)
        #expect(row.completionDetail == "left")
        let turns = try await rig.turns(claims)
        #expect(turns.map(\.text) == ["Hello there.", "Good morning", "How are you?"])
        #expect(turns.map(\.speaker) == [.agent, .participant, .agent])
        #expect(rig.recorders.story.lines.contains { if case .finished = $0 { true } else { false } })
    }

    @Test("a barge-in stops the agent at once and tells the provider what was heard")
    func bargeIn() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("A very long answer", item: "a1", response: "r1", milliseconds: 4_000, finished: false)
        await rig.loop.advance(by: .milliseconds(500))
        let item = try #require(transport.items.first)
        await rig.loop.run { transport.says(.played(item: item, milliseconds: 400)) }
        await line.says(.speechStarted(item: "u1", audioStartMilliseconds: 0))
        let framesAtFlush = transport.audioFrames
        #expect(transport.story.lines.contains(.message(.flush(item: item))))
        // The report that was on its way, then the true one.
        await rig.loop.run {
            transport.says(.played(item: item, milliseconds: 440))
            transport.says(.played(item: item, milliseconds: 460))
        }
        await rig.provider.story.line { $0 == .truncated(item: "a1", heard: .milliseconds(460)) }
        await line.says(.answerFinished(response: "r1", outcome: .cancelled, usage: nil))
        await rig.loop.advance(by: .seconds(1))
        #expect(transport.audioFrames == framesAtFlush)
        await rig.loop.run { transport.says(.leave) }
        await rig.settled(claims)
        let turns = try await rig.turns(claims)
        #expect(turns.first?.heardMilliseconds == 460)
        #expect(turns.first?.text == "A very long answer")
    }

    @Test("a cut line is taken up again by the same page, and the provider never notices")
    func rejoin() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (first, line) = try await rig.call(claims)
        await line.answers("Hello", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        for number in 0..<10 {
            await rig.loop.run {
                first.speaks(
                    AudioFrameHeader(format: .opus, sequence: UInt16(number), timestamp: UInt32(number * 960)),
                    OpusPacket.silence)
            }
            await rig.loop.advance(by: .milliseconds(20))
        }
        await rig.loop.run { first.drops(.dead) }
        await rig.loop.advance(by: .seconds(5))
        let token = try #require(await first.welcome()).rejoinToken
        let rejoin = try await rig.tokens.verify(token)
        #expect(rejoin.scope == .rejoin)
        #expect(rejoin.client == "page-1")
        let second = try await rig.join(rejoin)
        let welcome = try #require(await second.welcome())
        #expect(welcome.resumed)
        #expect(welcome.resendFrom == 9_600)
        await second.story.line { $0 == .message(.transcript(role: .agent, item: "i1-0", text: "Hello", final: true)) }
        #expect(rig.provider.openedCount == 1)
        #expect(!rig.provider.story.lines.contains(.closed))
        let row = try await rig.row(claims)
        #expect(row.state == .active)
        #expect(row.ownership.epoch == 1)
    }

    @Test("who stays away for the rejoin window has left; the loop sleeps meanwhile")
    func dropped() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("Hello", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await rig.loop.run { transport.drops(.dead) }
        await rig.loop.advance(by: .seconds(15))
        #expect(!rig.loop.isTicking)
        await rig.loop.advance(by: .seconds(106))
        await rig.settled(claims)
        let row = try await rig.row(claims)
        #expect(row.completionReason == .participantLeft)
        #expect(row.completionDetail == "dropped")
        await rig.provider.story.line { $0 == .closed }
    }

    @Test("the tool ends the interview after the farewell has played out")
    func completed() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("Goodbye!", item: "a1", response: "r1", milliseconds: 1_000, finished: false)
        await line.says(
            .toolCalled(call: "c1", name: "end_interview", arguments: "{}", response: "r1"),
            .answerFinished(response: "r1", outcome: .completed, usage: nil))
        await rig.loop.advance(by: .milliseconds(600))
        #expect(try await rig.row(claims).state == .active)
        await rig.loop.advance(by: .seconds(2))
        await transport.story.line { $0 == .closed(.ended, "completed") }
        await rig.settled(claims)
        #expect(try await rig.row(claims).completionReason == .completed)
        #expect(transport.audioFrames == 50)
        #expect(try await rig.turns(claims).map(\.heardMilliseconds) == [nil])
    }

    @Test("the tool without a goodbye lets the agent say one first")
    func farewellIsOwed() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.says(
            .answerStarted(response: "r1"),
            .toolCalled(call: "c1", name: "end_interview", arguments: "{}", response: "r1"),
            .answerFinished(response: "r1", outcome: .completed, usage: nil))
        await rig.provider.story.line {
            if case .tool(_, _, let thenSpeak) = $0 { thenSpeak } else { false }
        }
        await rig.loop.advance(by: .seconds(1))
        #expect(try await rig.row(claims).state == .active)
        await line.answers("Goodbye!", item: "a1", response: "r2", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await transport.story.line { $0 == .closed(.ended, "completed") }
    }

    @Test("a lost provider is reopened and told what was said; a refused key ends the session")
    func providerLost() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("How was it?", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        await line.hears("It was fine", item: "u1")
        await line.says(.failed(ProviderFailure(kind: .network, code: "ECONNRESET")))
        #expect(transport.story.lines.contains(.message(.state(.reconnecting))))
        await rig.loop.advance(by: .seconds(1))
        #expect(rig.provider.openedCount == 2)
        let opened = rig.provider.story.lines.compactMap { if case .opened(let setup) = $0 { setup } else { nil } }
        #expect(opened[1].context.prefix(2) == [.agent("How was it?"), .participant("It was fine")])
        let again = try #require(rig.provider.latest)
        rig.provider.story.clear()
        await rig.loop.run { again.says(.ready) }
        // The participant spoke last: an answer is owed, and it is not the greeting.
        await rig.provider.story.line { $0 == .asked(instructions: nil) }
        await rig.loop.run { again.says(.failed(ProviderFailure(kind: .auth, code: "invalid_api_key"))) }
        await rig.settled(claims)
        let row = try await rig.row(claims)
        #expect(row.completionReason == .providerFailed)
        #expect(row.completionDetail == "auth")
        #expect(rig.metrics.value(Metric.providerErrors, ["fake", "auth"]) == 1)
    }

    @Test("a join link opened again wins over the first page; the first page's automatic rejoin is refused")
    func twoTabs() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (first, _) = try await rig.call(claims)
        let token = try #require(await first.welcome()).rejoinToken
        let second = try await rig.join(claims, Rig.hello("page-2"))
        await first.story.line { $0 == .closed(.joinedElsewhere, "joined elsewhere") }
        _ = await second.welcome()
        let rejoin = try await rig.tokens.verify(token)
        let third = try await rig.join(rejoin, Rig.hello("page-1"))
        await third.story.line { $0 == .closed(.joinedElsewhere, "joined elsewhere") }
        #expect(!second.story.lines.contains { if case .closed = $0 { true } else { false } })
    }

    @Test("usage is money in the row, and a spent budget ends the session")
    func budget() async throws {
        let rig = try await Rig(limits: SessionLimits(budgetMicros: 1_000))
        let claims = try await rig.session()
        let (_, line) = try await rig.call(claims)
        await line.says(
            .answerStarted(response: "r1"),
            .answerFinished(response: "r1", outcome: .completed, usage: Usage(textIn: 400)),
            .answerFinished(response: "r1", outcome: .completed, usage: Usage(textIn: 400)))
        await rig.loop.advance(by: .milliseconds(100))
        #expect(await rig.supervisor.session(claims.session)?.summary.costMicros == 400)
        await line.says(.transcriptionUsage(item: "u1", Usage(textIn: 600)))
        await rig.settled(claims)
        let row = try await rig.row(claims)
        #expect(row.completionReason == .budgetSession)
        #expect(row.costMicros == 1_000)
    }

    @Test("a force-close tells the participant when to return and leaves a row that can be taken up")
    func forceClose() async throws {
        let rig = try await Rig()
        let claims = try await rig.session()
        let (transport, line) = try await rig.call(claims)
        await line.answers("Hello", item: "a1", response: "r1", milliseconds: 200)
        await rig.loop.advance(by: .seconds(1))
        let drained = Task { await rig.supervisor.drainAndWait(timeout: .zero) }
        await transport.story.line { $0 == .closed(.restart, "restart") }
        await drained.value
        #expect(transport.story.lines.contains(.message(.bye(reason: "restart", rejoinInMilliseconds: 500))))
        let row = try await rig.row(claims)
        #expect(row.state == .interrupted)
        #expect(row.ownership.owner == nil)
        #expect(row.rejoinUntil != nil)
        #expect(try await rig.turns(claims).map(\.text) == ["Hello"])
    }
}

extension NarratingTransport {
    var items: [String] {
        story.lines.compactMap { if case .message(.item(let id, _)) = $0 { id } else { nil } }
    }
}

extension Rig {
    /// Returns when the session is gone from the supervisor: everything is written.
    func settled(_ claims: TokenClaims) async {
        while await supervisor.session(claims.session) != nil { await Task.yield() }
    }
}
