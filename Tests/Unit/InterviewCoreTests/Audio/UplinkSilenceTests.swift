import InterviewCore
import Testing

@Suite("UplinkTimeline: silence")
struct UplinkSilenceTests {
    @Test("a gap up to 100 ms is left to the next frame")
    func shortGap() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        #expect(uplink.wait(100) == 0)
    }

    @Test("a longer gap is filled as time passes")
    func fills() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        #expect(uplink.wait(10_100) == 10 * 48_000)
        #expect(uplink.timeline.given == 10 * 48_000 + 10 * 960)
    }

    @Test("somebody who never says anything is filled with silence too")
    func muteFromTheStart() {
        var uplink = Uplink()
        #expect(uplink.wait(5_100) == 5 * 48_000)
        #expect(uplink.timeline.capturePoint(atGivenMilliseconds: 10) == nil)
    }

    @Test("nothing is filled without a provider")
    func noProvider() throws {
        var uplink = Uplink(provider: false)
        try uplink.talk(10)
        #expect(uplink.wait(5_000) == 0)
        #expect(uplink.timeline.given == 0)
        uplink.timeline.providerOpened(at: uplink.now)
        #expect(uplink.wait(1_100) == 48_000)
        uplink.timeline.providerClosed()
        #expect(uplink.wait(1_000) == 0)
    }

    @Test("time that passed without sound is filled once: what was given already counts")
    func mute() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        let given = uplink.wait(1_000)
        #expect(given == 900 * 48)
        uplink.microphone.pause(units: 48_000)
        #expect(try uplink.frame() == [.silence(units: 100 * 48), .deliver(position: 48_000 + 10 * 960)])
        #expect(uplink.timeline.given == 48_000 + 11 * 960)
    }

    @Test("after a stalled line every frame is delivered, and the silence stays as extra time")
    func stall() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        #expect(uplink.wait(1_000) == 900 * 48)
        for index in 0..<50 {
            #expect(try uplink.frame(after: 0) == [.deliver(position: Int64(10 + index) * 960)])
        }
        #expect(uplink.timeline.given == 60 * 960 + 900 * 48)
    }

    @Test("silence that a stall left over is not taken from a later pause")
    func pauseAfterStall() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        #expect(uplink.wait(1_000) == 900 * 48)
        for _ in 0..<25 { _ = try uplink.frame(after: 0) }
        uplink.microphone.pause(units: 24_000)
        #expect(try uplink.frame(after: 0) == [.silence(units: 24_000), .deliver(position: 35 * 960 + 24_000)])
    }

    @Test("lost frames in a stall that was filled are not invented on top")
    func lossInAStall() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        #expect(uplink.wait(200) == 100 * 48)
        uplink.microphone.lose(10)
        #expect(try uplink.frame() == [.silence(units: 100 * 48), .deliver(position: 20 * 960)])
    }

    @Test("a late tick fills what it missed, at most 2 s")
    func lateTick() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        uplink.milliseconds += 1_100
        #expect(uplink.timeline.ticked(at: uplink.now) == 48_000)
        uplink.milliseconds += 60_000
        #expect(uplink.timeline.ticked(at: uplink.now) == 96_000)
        #expect(uplink.timeline.ticked(at: uplink.now) == 0)
        #expect(uplink.wait(1_000) == 48_000)
    }

    @Test("after a disconnect there is 1 s of silence, then nothing; a return begins anew")
    func disconnect() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        uplink.timeline.disconnected(at: uplink.now)
        #expect(uplink.wait(60_000) == 48_000)
        uplink.timeline.connected(at: uplink.now, client: "page", resumed: true)
        #expect(uplink.wait(100) == 0)
        #expect(uplink.wait(1_000) == 48_000)
        uplink.timeline.disconnected(at: uplink.now)
        #expect(uplink.wait(60_000) == 48_000)
    }

    @Test("frames sent again after a disconnect are delivered in full, where they were spoken")
    func resend() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        let from = uplink.timeline.resendFrom
        #expect(from == uplink.microphone.timestamp)
        uplink.timeline.disconnected(at: uplink.now)
        #expect(uplink.wait(5_000) == 48_000)
        uplink.timeline.connected(at: uplink.now, client: "page", resumed: true)
        uplink.microphone.sequence = 40_000
        for index in 0..<250 {
            #expect(try uplink.frame(after: 4) == [.deliver(position: Int64(10 + index) * 960)])
        }
        #expect(uplink.timeline.given == 260 * 960 + 48_000)
    }

    @Test("what was received before a disconnect and is sent again all the same is dropped, however old")
    func resendTooMuch() throws {
        var uplink = Uplink()
        var early = uplink.microphone
        try uplink.talk(500)
        uplink.timeline.disconnected(at: uplink.now)
        uplink.milliseconds += 1_000
        uplink.timeline.connected(at: uplink.now, client: "page", resumed: true)
        early.sequence = 3
        for _ in 0..<500 {
            uplink.milliseconds += 3
            #expect(try uplink.timeline.received(early.frame(), units: 960, at: uplink.now) == [.drop])
        }
        uplink.milliseconds += 3
        #expect(
            try uplink.timeline.received(early.frame(), units: 960, at: uplink.now) == [.deliver(position: 500 * 960)])
    }

    @Test("another page load has a clock of its own, set at its first frame")
    func anotherPage() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        uplink.timeline.disconnected(at: uplink.now)
        uplink.milliseconds += 4_000
        uplink.timeline.connected(at: uplink.now, client: "other", resumed: false)
        #expect(uplink.timeline.resendFrom == nil)
        uplink.microphone = Microphone()
        uplink.microphone.timestamp = 77
        #expect(try uplink.frame() == [.deliver(position: 4_200 * 48 + 960 - 960)])
        #expect(uplink.timeline.resendFrom == 1_037)
        #expect(uplink.timeline.lastReceived?.client == "other")
    }

    @Test("a later owner places what is sent again by the journal, and drops what is older")
    func laterOwner() throws {
        // The conversation is 100 s old here; the last committed turn ended at 70 s.
        var timeline = UplinkTimeline(startedAt: .zero, position: 100 * 48_000, reached: 70 * 48_000)
        let reference = CapturePoint(client: "page", timestamp: 5_000, position: 70 * 48_000)
        timeline.connected(at: .zero, client: "page", resumed: true, reference: reference)
        timeline.providerOpened(at: .zero)
        #expect(timeline.resendFrom == 5_000)
        func frame(_ sequence: UInt16, _ timestamp: UInt32) -> AudioFrameHeader {
            AudioFrameHeader(format: .opus, sequence: sequence, timestamp: timestamp)
        }
        let first = frame(1, 5_000 &- 960)
        #expect(try timeline.received(first, units: 960, at: .zero) == [.drop])
        for index in 0..<200 {
            let header = frame(UInt16(2 + index), 5_000 + UInt32(index) * 960)
            let steps = try timeline.received(header, units: 960, at: .milliseconds(index * 3))
            #expect(steps == [.deliver(position: Int64(70 * 48_000 + index * 960))])
        }
    }

    @Test("a later owner that knows no time lets the sound begin where its track begins")
    func laterOwnerWithoutTurns() throws {
        var timeline = UplinkTimeline(startedAt: .zero, position: 100 * 48_000, reached: 40 * 48_000)
        timeline.connected(at: .zero, client: "page", resumed: true)
        var microphone = Microphone()
        for index in 0..<3_000 {
            let steps = try timeline.received(microphone.frame(), units: 960, at: .milliseconds(index * 3))
            #expect(steps == [.deliver(position: Int64(40 * 48_000 + index * 960))])
        }
    }
}

@Suite("UplinkTimeline: provider positions")
struct CaptureMapTests {
    /// -1: unknown.
    private func position(_ uplink: Uplink, _ milliseconds: Int) -> Int64 {
        uplink.timeline.capturePoint(atGivenMilliseconds: milliseconds)?.position ?? -1
    }

    @Test("without gaps a provider's position is the participant's time since the first frame")
    func straight() throws {
        var uplink = Uplink()
        try uplink.talk(100)
        let first = UInt32.max - 2_000
        let point = uplink.timeline.capturePoint(atGivenMilliseconds: 1_000)
        #expect(point == CapturePoint(client: "page", timestamp: first &+ 48_000, position: 48_000))
        #expect(point?.milliseconds == 1_000)
    }

    @Test("silence put in by a stall belongs to the moment of the stall")
    func stall() throws {
        var uplink = Uplink()
        try uplink.talk(50)
        #expect(uplink.wait(1_100) == 48_000)
        for _ in 0..<50 { _ = try uplink.frame(after: 0) }
        #expect(position(uplink, 900) == 900 * 48)
        #expect(position(uplink, 1_500) == 48_000)
        #expect(position(uplink, 2_000) == 48_000)
        #expect(position(uplink, 2_500) == 1_500 * 48)
    }

    @Test("mute keeps both clocks together")
    func mute() throws {
        var uplink = Uplink()
        try uplink.talk(50)
        _ = uplink.wait(5_000)
        uplink.microphone.pause(units: 5 * 48_000)
        try uplink.talk(50)
        for milliseconds in [100, 1_500, 5_000, 5_890] {
            #expect(position(uplink, milliseconds) == Int64(milliseconds) * 48)
        }
        // After a pause of over 2 s its last 100 ms were never given.
        #expect(position(uplink, 6_000) == 6_100 * 48)
    }

    @Test("a replaced provider counts from nothing, with the turn that it is given again in front")
    func replaced() throws {
        var uplink = Uplink()
        try uplink.talk(500)
        uplink.timeline.providerClosed()
        try uplink.talk(100)
        uplink.timeline.providerOpened(at: uplink.now, replayed: 200 * 960)
        #expect(position(uplink, 0) == 400 * 960)
        try uplink.talk(100)
        #expect(position(uplink, 5_000) == 400 * 960 + 5_000 * 48)
        #expect(uplink.timeline.given == 300 * 960)
    }

    @Test("a thousand stalls leave the recent ones known and the memory bounded")
    func bounded() throws {
        var uplink = Uplink()
        for _ in 0..<1_000 {
            try uplink.talk(5)
            _ = uplink.wait(140)
            for _ in 0..<7 { _ = try uplink.frame(after: 0) }
        }
        let given = Int(uplink.timeline.given / 48)
        #expect(position(uplink, given) == uplink.timeline.lastReceived?.position ?? -2)
        #expect(position(uplink, 0) == -1)
    }

    @Test(
        "nonsense from a provider is the beginning or the end of what it was given",
        arguments: [(Int.max, 4_800), (101, 4_800), (100, 4_800), (50, 2_400), (-5, 0), (Int.min, 0)] as [(Int, Int64)])
    func nonsense(milliseconds: Int, units: Int64) throws {
        var uplink = Uplink()
        #expect(position(uplink, milliseconds) == -1)
        try uplink.talk(5)
        #expect(position(uplink, milliseconds) == units)
    }
}
