import InterviewCore
import Testing

@Suite("Playout: interruption")
struct PlayoutInterruptionTests {
    /// 1 s into a long utterance: 54 packets sent, 1,000 ms played by the model.
    private func speaking() throws -> Player {
        var player = Player()
        try player.speak("a", packets: 500)
        player.look()
        player.run(1_000)
        #expect(player.sent.count == 54)
        return player
    }

    @Test("nothing more of the item is sent")
    func stops() throws {
        var player = try speaking()
        #expect(player.playout.interrupted(at: player.now) == ["a"])
        player.run(1_000)
        #expect(player.sent.count == 54)
        #expect(player.playout.interrupted(at: player.now).isEmpty)
    }

    @Test("without a report the model says what was heard, 200 ms later")
    func estimate() throws {
        var player = try speaking()
        _ = player.playout.interrupted(at: player.now)
        #expect(!player.playout.isEmptyAndConfirmed(at: player.now))
        #expect(player.run(180).isEmpty)
        player.run(20)
        #expect(
            player.truncations
                == [.init(item: "a", providerItem: "pa", heardMilliseconds: 1_000, estimated: true)])
        #expect(player.playout.isEmptyAndConfirmed(at: player.now))
    }

    @Test(
        "reports after the interruption decide: the last one in time, clamped to what was sent",
        arguments: [
            ([(40, 960)], 200, 960),
            // The first was on its way already; the second is the answer and ends the wait.
            ([(10, 800), (50, 940)], 50, 940),
            ([(30, 5_000)], 30, 1_080),
            ([(30, 1_080)], 30, 1_080),
            ([(30, -7)], 200, 0),
            ([(10, 900), (20, 700)], 20, 900),
            // Too late: the model has spoken.
            ([(220, 500)], 200, 1_000),
        ] as [([(Int, Int)], Int, Int)])
    func reports(reports: [(Int, Int)], settledAfter: Int, heard: Int) throws {
        var player = try speaking()
        let start = player.milliseconds
        _ = player.playout.interrupted(at: player.now)
        var settled: Int?
        for elapsed in stride(from: 0, through: 300, by: 10) {
            player.milliseconds = start + elapsed
            for (at, played) in reports where at == elapsed {
                player.playout.played(item: "a", milliseconds: played, at: player.now)
            }
            player.look()
            if settled == nil, !player.truncations.isEmpty { settled = elapsed }
        }
        #expect(player.truncations.map(\.heardMilliseconds) == [heard])
        #expect(settled == settledAfter)
    }

    @Test("a report before the interruption carries the estimate on from there")
    func reportBefore() throws {
        var player = try speaking()
        player.playout.played(item: "a", milliseconds: 900, at: player.now)
        player.run(100)
        #expect(player.playout.heardMilliseconds(of: "a", at: player.now) == 1_000)
        _ = player.playout.interrupted(at: player.now)
        player.run(200)
        #expect(player.truncations.map(\.heardMilliseconds) == [1_000])
    }

    @Test("what the client never heard of is truncated to nothing at once, and not flushed there")
    func unsent() throws {
        var player = try speaking()
        try player.speak("b", packets: 10)
        #expect(player.playout.interrupted(at: player.now) == ["a"])
        player.look()
        #expect(
            player.truncations
                == [.init(item: "b", providerItem: "pb", heardMilliseconds: 0, estimated: false)])
    }

    @Test("an item that was heard to its end is no truncation")
    func heardAll() throws {
        var player = Player()
        try player.speak("a", packets: 10)
        player.run(200)
        #expect(player.playout.interrupted(at: player.now) == ["a"])
        player.playout.played(item: "a", milliseconds: 200, at: player.now)
        #expect(player.look() == [.playedOut(item: "a", providerItem: "pa")])
    }

    @Test("the next utterance after an interruption starts at once, and its timestamp does not go back")
    func nextUtterance() throws {
        var player = try speaking()
        let last = try #require(player.sent.last?.timestamp)
        _ = player.playout.interrupted(at: player.now)
        try player.speak("b", packets: 10)
        player.look()
        #expect(player.sent.count == 58)
        #expect(player.sent[54].item == "b")
        #expect(player.sent[54].timestamp == last &+ 960)
    }

    @Test("the padding of the last packet does not count as heard")
    func length() throws {
        var player = Player()
        try player.speak("a", packets: 10, finished: false)
        player.playout.finished("pa", milliseconds: 187)
        player.run(400)
        _ = player.playout.interrupted(at: player.now)
        player.playout.played(item: "a", milliseconds: 200, at: player.now)
        #expect(player.look() == [.playedOut(item: "a", providerItem: "pa")])

        var other = Player()
        try other.speak("a", packets: 10, finished: false)
        other.playout.finished("pa", milliseconds: 187)
        other.run(180)
        #expect(other.playout.heardMilliseconds(of: "a", at: .seconds(60)) == 187)
    }
}

@Suite("Playout: confirmation")
struct PlayoutConfirmationTests {
    @Test("an utterance is over when the client says so")
    func confirmed() throws {
        var player = Player()
        try player.speak("a", packets: 10)
        player.run(200)
        player.playout.played(item: "a", milliseconds: 180, at: player.now)
        #expect(player.look().isEmpty)
        #expect(!player.playout.isEmptyAndConfirmed(at: player.now))
        player.playout.played(item: "a", milliseconds: 200, at: player.now)
        #expect(player.playout.isEmptyAndConfirmed(at: player.now))
        #expect(player.look() == [.playedOut(item: "a", providerItem: "pa")])
        #expect(player.playout.played(item: "a", milliseconds: 200, at: player.now) == .ignored)
    }

    @Test("of a silent client it is over 300 ms after its estimated end")
    func estimated() throws {
        var player = Player()
        try player.speak("a", packets: 10)
        player.look()
        let end = player.milliseconds + 200
        while player.milliseconds < end + 280 {
            player.run(20)
            #expect(!player.playout.isEmptyAndConfirmed(at: player.now))
        }
        #expect(player.run(20) == [.playedOut(item: "a", providerItem: "pa")])
        #expect(player.playout.isEmptyAndConfirmed(at: player.now))
    }

    @Test("a client that plays late is waited for")
    func late() throws {
        var player = Player()
        try player.speak("a", packets: 10)
        player.look()
        player.run(400)
        player.playout.played(item: "a", milliseconds: 0, at: player.now)
        #expect(player.run(480).isEmpty)
        #expect(player.run(20) == [.playedOut(item: "a", providerItem: "pa")])
    }

    @Test("a report for the next utterance confirms those before it")
    func nextConfirms() throws {
        var player = Player()
        try player.speak("a", packets: 10)
        try player.speak("b", packets: 10)
        player.run(260)
        player.playout.played(item: "b", milliseconds: 40, at: player.now)
        #expect(player.look() == [.playedOut(item: "a", providerItem: "pa")])
    }

    @Test("an utterance without sound is over at once")
    func empty() throws {
        var player = Player()
        try player.speak("a", packets: 0)
        #expect(player.look() == [.playedOut(item: "a", providerItem: "pa")])
    }

    @Test("reports never take back what was confirmed, and never pass what was sent")
    func clamped() throws {
        var player = Player()
        try player.speak("a", packets: 100)
        player.look()
        player.playout.played(item: "a", milliseconds: 40, at: player.now)
        player.playout.played(item: "a", milliseconds: 20, at: player.now)
        #expect(player.playout.heardMilliseconds(of: "a", at: player.now) == 40)
        player.playout.played(item: "a", milliseconds: .max, at: player.now)
        #expect(player.playout.heardMilliseconds(of: "a", at: player.now) == 80)
        player.playout.played(item: "a", milliseconds: .min, at: player.now)
        #expect(player.playout.heardMilliseconds(of: "a", at: player.now) == 80)
    }
}

@Suite("Playout: broken lines")
struct PlayoutResumeTests {
    private func cut(playedAt milliseconds: Int?) throws -> Player {
        var player = Player()
        try player.speak("a", packets: 250)
        player.look()
        player.run(1_000)
        if let milliseconds { player.playout.played(item: "a", milliseconds: milliseconds, at: player.now) }
        player.playout.disconnected(at: player.now)
        player.sent = []
        player.said = []
        return player
    }

    @Test("nothing is sent while nobody is there, and nothing counts as heard")
    func frozen() throws {
        var player = try cut(playedAt: 960)
        #expect(player.run(9_980).isEmpty)
        #expect(player.playout.heardMilliseconds(of: "a", at: player.now) == 960)
        #expect(!player.playout.isEmptyAndConfirmed(at: player.now))
    }

    @Test(
        "back within 10 s it goes on where it was last heard, and says where the utterance virtually began",
        arguments: [
            (960, nil, 48), (970, nil, 48), (nil, nil, 0),
            (960, 1_010, 50), (960, 5_000, 54), (960, 100, 48), (nil, 500, 25),
        ] as [(Int?, Int?, Int)])
    func resumes(played: Int?, resumed: Int?, packet: Int) throws {
        var player = try cut(playedAt: played)
        player.run(9_000)
        player.connect(resumed.map { Hello.Resume(item: "a", playedMilliseconds: $0) }, firstTimestamp: 10_000)
        let due = player.look()
        #expect(due.first == .announce(item: "a", startTimestamp: 10_000 &- UInt32(packet) * 960))
        #expect(player.sent.map(\.number) == (packet..<packet + 4).map { UInt8($0) })
        #expect(player.sent.map(\.timestamp) == [10_000, 10_960, 11_920, 12_880])
        player.run(6_000)
        #expect(player.sent.count == 250 - packet)
        #expect(player.said.last == .playedOut(item: "a", providerItem: "pa"))
    }

    @Test("later the item is truncated to what was heard", arguments: [(960, 960), (nil, 0)] as [(Int?, Int)])
    func givesUp(played: Int?, heard: Int) throws {
        var player = try cut(playedAt: played)
        player.run(10_000)
        #expect(
            player.truncations
                == [.init(item: "a", providerItem: "pa", heardMilliseconds: heard, estimated: false)])
        player.connect(firstTimestamp: 5)
        #expect(player.run(100).isEmpty)
    }

    @Test("who comes back too late between two ticks says what was heard all the same")
    func lateWithResume() throws {
        var player = try cut(playedAt: 960)
        player.milliseconds += 10_000
        player.connect(Hello.Resume(item: "a", playedMilliseconds: 1_033))
        #expect(player.look().first != nil)
        #expect(player.truncations.map(\.heardMilliseconds) == [1_033])
        #expect(player.sent.isEmpty)
    }

    @Test("what was heard is estimated anew on the new connection")
    func estimatesAnew() throws {
        var player = try cut(playedAt: 960)
        player.run(5_000)
        player.connect()
        player.look()
        player.run(40)
        #expect(player.playout.heardMilliseconds(of: "a", at: player.now) == 1_000)
    }

    @Test("a client that says late what it heard before the break skips what it has")
    func lateReport() throws {
        var player = try cut(playedAt: 960)
        player.run(1_000)
        player.connect()
        player.look()
        #expect(player.sent.last?.number == 51)
        player.playout.played(item: "a", milliseconds: 1_070, at: player.now)
        #expect(player.playout.heardMilliseconds(of: "a", at: player.now) == 1_070)
        player.run(20)
        #expect(player.sent.last?.number == 53)
    }

    @Test("a connection that replaces a living one resumes the same way")
    func replaced() throws {
        var player = Player()
        try player.speak("a", packets: 250)
        player.look()
        player.run(1_000)
        player.sent = []
        player.connect(Hello.Resume(item: "a", playedMilliseconds: 980), firstTimestamp: 0)
        player.look()
        #expect(player.sent.first?.number == 49)
    }

    @Test("two utterances in the air are both sent again from what was heard")
    func twoItems() throws {
        var player = Player()
        try player.speak("a", packets: 10)
        try player.speak("b", packets: 50)
        player.look()
        player.run(200)
        player.playout.played(item: "a", milliseconds: 120, at: player.now)
        player.playout.disconnected(at: player.now)
        player.run(2_000)
        player.sent = []
        player.said = []
        player.connect(firstTimestamp: 7)
        player.look()
        player.run(2_000)
        #expect(player.sent.map(\.number) == [6, 7, 8, 9] + (0..<50).map { UInt8($0) })
        let first: UInt32 = 7
        let expected: [Playout.OnTick] = [
            .announce(item: "a", startTimestamp: first &- 5_760), .announce(item: "b", startTimestamp: first &+ 3_840),
        ]
        #expect(player.announcements == expected)
    }

    @Test("what the provider says meanwhile is queued")
    func queuesMeanwhile() throws {
        var player = Player()
        try player.speak("a", packets: 10, finished: false)
        player.run(100)
        player.playout.disconnected(at: player.now)
        try player.add(20, to: "a", from: 10)
        player.playout.finished("pa")
        player.run(1_000)
        player.connect()
        player.sent = []
        player.run(2_000)
        #expect(player.sent.map(\.number) == (0..<30).map { UInt8($0) })
    }

    @Test("an interruption while the line is broken waits for the resume")
    func interruptedWhileAway() throws {
        var player = try cut(playedAt: 960)
        player.run(1_000)
        #expect(player.playout.interrupted(at: player.now) == ["a"])
        player.run(100)
        player.connect(Hello.Resume(item: "a", playedMilliseconds: 1_000))
        player.run(100)
        #expect(player.truncations.map(\.heardMilliseconds) == [1_000])
        #expect(player.sent.isEmpty)
    }

    @Test("confirmed packets are given back: a long talk keeps little")
    func forgets() throws {
        var player = Player()
        try player.speak("a", packets: 5_000)
        for step in 1...400 {
            player.run(200)
            player.playout.played(item: "a", milliseconds: step * 200, at: player.now)
        }
        player.playout.disconnected(at: player.now)
        player.sent = []
        player.connect(Hello.Resume(item: "a", playedMilliseconds: 80_000))
        player.look()
        #expect(player.sent.first?.number == UInt8(truncatingIfNeeded: 4_000))
        #expect(player.playout.keptPackets == 1_000)
    }
}
