import InterviewCore
import Testing

/// A page's microphone: numbers and times its frames, near both wraps from the start.
struct Microphone {
    var sequence: UInt16 = 65_533
    var timestamp: UInt32 = .max - 2_000
    let units: Int

    init(units: Int = 960) { self.units = units }

    mutating func frame() -> AudioFrameHeader {
        defer {
            sequence &+= 1
            timestamp &+= UInt32(units)
        }
        return AudioFrameHeader(format: .opus, sequence: sequence, timestamp: timestamp)
    }
    /// Frames that are lost on the way.
    mutating func lose(_ count: Int) { for _ in 0..<count { _ = frame() } }
    /// Time that passes without frames (DTX, mute).
    mutating func pause(units: Int64) { timestamp &+= UInt32(truncatingIfNeeded: units) }
}

/// A timeline with a connected page and an open provider, and a clock in milliseconds.
struct Uplink {
    var timeline: UplinkTimeline
    var microphone: Microphone
    var milliseconds = 0
    var now: Duration { .milliseconds(milliseconds) }

    init(units: Int = 960, provider: Bool = true) {
        timeline = UplinkTimeline(startedAt: .zero)
        microphone = Microphone(units: units)
        timeline.connected(at: .zero, client: "page", resumed: false)
        if provider { timeline.providerOpened(at: .zero) }
    }

    /// The next frame arrives after `after` milliseconds.
    mutating func frame(after: Int = 20) throws -> UplinkSteps {
        milliseconds += after
        return try timeline.received(microphone.frame(), units: microphone.units, at: now)
    }
    /// `count` frames in real time; their last answer.
    @discardableResult
    mutating func talk(_ count: Int) throws -> UplinkSteps {
        var last = UplinkSteps()
        for _ in 0..<count { last = try frame() }
        return last
    }
    /// Ticks every 20 ms for `length`; the silence asked for.
    mutating func wait(_ length: Int) -> Int64 {
        var silence: Int64 = 0
        for _ in 0..<length / 20 {
            milliseconds += 20
            silence += timeline.ticked(at: now)
        }
        return silence
    }
}

@Suite("UplinkTimeline")
struct UplinkTimelineTests {
    @Test("frames in order are delivered one after the other, over the wrap of both numbers")
    func inOrder() throws {
        var uplink = Uplink()
        for index in 0..<200 {
            #expect(try uplink.frame() == [.deliver(position: Int64(index) * 960)])
        }
        #expect(uplink.timeline.given == 200 * 960)
        #expect(uplink.timeline.resendFrom == UInt32.max &- 2_000 &+ 200 * 960)
    }

    @Test("a page's first frame ends at the moment it arrives")
    func firstFrame() throws {
        var uplink = Uplink()
        #expect(try uplink.frame(after: 5_000) == [.deliver(position: 240_000 - 960)])
    }

    @Test(
        "a sequence gap is concealed for at most 5 frames, the rest is silence",
        arguments: [
            (1, [.conceal(units: 960)]), (5, [.conceal(units: 4_800)]),
            (6, [.conceal(units: 4_800), .silence(units: 960)]),
            (50, [.conceal(units: 4_800), .silence(units: 45 * 960)]),
        ] as [(Int, [UplinkSteps.Step])])
    func sequenceGap(lost: Int, steps: [UplinkSteps.Step]) throws {
        var uplink = Uplink()
        try uplink.talk(10)
        uplink.microphone.lose(lost)
        let position = Int64(10 + lost) * 960
        #expect(Array(try uplink.frame()) == steps + [.deliver(position: position)])
        #expect(uplink.timeline.given == position + 960)
    }

    @Test("a timestamp jump without a sequence gap is silence")
    func discontinuous() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        uplink.microphone.pause(units: 48_000)
        #expect(try uplink.frame(after: 60) == [.silence(units: 48_000), .deliver(position: 10 * 960 + 48_000)])
    }

    @Test("less than 2.5 ms is no gap, in either direction, and does not add up")
    func jitter() throws {
        var uplink = Uplink()
        try uplink.talk(1)
        for index in 0..<500 {
            uplink.microphone.timestamp &+= index % 2 == 0 ? 47 : UInt32(bitPattern: -47)
            #expect(try uplink.frame().count == 1)
        }
        #expect(uplink.timeline.given == 501 * 960)
    }

    @Test("a jump over 2 s is not filled; the decoder starts anew")
    func farJump() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        _ = uplink.wait(60_000)
        uplink.microphone.pause(units: 60 * 48_000)
        #expect(try uplink.frame() == [.resynchronise, .deliver(position: 60 * 48_000 + 10 * 960)])
    }

    @Test("a clock that is set back by more than 2 s continues at the present")
    func clockRestarts() throws {
        var uplink = Uplink()
        try uplink.talk(500)
        uplink.microphone.timestamp &-= 1_000_000_000
        #expect(try uplink.frame() == [.resynchronise, .deliver(position: 500 * 960)])
        #expect(try uplink.frame() == [.deliver(position: 501 * 960)])
        #expect(uplink.timeline.resendFrom == uplink.microphone.timestamp)
    }

    @Test("a clock that is set back again and again is followed over more than half its range")
    func clockRestartsOften() throws {
        var uplink = Uplink()
        for index in 0..<8 {
            try uplink.talk(500)
            uplink.microphone.timestamp &-= 1_500_000_000
            let position = Int64(index * 501 + 500) * 960
            #expect(try uplink.frame() == [.resynchronise, .deliver(position: position)])
        }
    }

    @Test("a clock that jumped ahead between two connections is set to the present")
    func clockJumpsWhileAway() throws {
        var uplink = Uplink()
        try uplink.talk(10)
        uplink.timeline.disconnected(at: uplink.now)
        uplink.timeline.connected(at: uplink.now, client: "page", resumed: true)
        uplink.microphone.pause(units: 3_600 * 48_000)
        #expect(try uplink.frame() == [.resynchronise, .deliver(position: 10 * 960)])
        #expect(try uplink.frame() == [.deliver(position: 11 * 960)])
    }

    @Test("duplicates and late frames are dropped")
    func duplicates() throws {
        var uplink = Uplink()
        try uplink.talk(3)
        let old = uplink.microphone
        try uplink.talk(5)
        var late = old
        #expect(try uplink.timeline.received(late.frame(), units: 960, at: uplink.now) == [.drop])
        let same = AudioFrameHeader(
            format: .opus, sequence: uplink.microphone.sequence &- 1, timestamp: uplink.microphone.timestamp &- 960)
        #expect(try uplink.timeline.received(same, units: 960, at: uplink.now) == [.drop])
        // A new number on an old time: sent twice.
        let twice = AudioFrameHeader(
            format: .opus, sequence: uplink.microphone.sequence, timestamp: uplink.microphone.timestamp &- 960)
        #expect(try uplink.timeline.received(twice, units: 960, at: uplink.now) == [.drop])
        #expect(uplink.timeline.given == 8 * 960)
    }

    @Test("a frame of nobody is dropped")
    func nobody() throws {
        var timeline = UplinkTimeline(startedAt: .zero)
        var microphone = Microphone()
        #expect(try timeline.received(microphone.frame(), units: 960, at: .zero) == [.drop])
        timeline.connected(at: .zero, client: "page", resumed: false)
        timeline.disconnected(at: .zero)
        #expect(try timeline.received(microphone.frame(), units: 960, at: .zero) == [.drop])
    }

    @Test("a payload that is no Opus packet is concealed in the length of the frame before")
    func undecodable() throws {
        var uplink = Uplink(units: 2_880)
        try uplink.talk(2)
        let header = uplink.microphone.frame()
        #expect(try uplink.timeline.received(header, units: nil, at: uplink.now) == [.conceal(units: 2_880)])
        #expect(try uplink.frame() == [.deliver(position: 960 - 2_880 + 3 * 2_880 + 1_920)])
    }

    @Test("frames under 10 or over 60 ms break the protocol", arguments: [0, 120, 479, 2_881, 5_760])
    func badLength(units: Int) throws {
        var uplink = Uplink()
        #expect(throws: ProtocolViolation.badFrame) {
            try uplink.timeline.received(uplink.microphone.frame(), units: units, at: .zero)
        }
    }

    @Test("a frame longer than the step of its timestamps follows the one before and counts in full")
    func overlapping() throws {
        var uplink = Uplink()
        try uplink.talk(1)
        uplink.microphone.timestamp &-= 480
        #expect(try uplink.frame() == [.deliver(position: 960)])
    }
}

@Suite("UplinkTimeline: pace")
struct UplinkPaceTests {
    /// Frames at once until one is too fast; how many were taken.
    private func burst(_ uplink: inout Uplink, most: Int = 100_000) -> Int {
        for count in 0..<most {
            do { _ = try uplink.frame(after: 0) } catch {
                #expect(error as? ProtocolViolation == .tooFast)
                return count
            }
        }
        return most
    }

    @Test("2 s ahead of the clock are allowed, more are too fast")
    func tooFast() throws {
        var uplink = Uplink()
        try uplink.talk(50)
        #expect(burst(&uplink) == 100)
    }

    @Test("sound ahead of the clock may be used up and built up again")
    func recovers() throws {
        var uplink = Uplink()
        try uplink.talk(50)
        for _ in 0..<100 { _ = try uplink.frame(after: 0) }
        _ = uplink.wait(1_000)
        #expect(burst(&uplink) == 50)
    }

    @Test("a sound card that is 300 millionths fast is never too fast in 3 hours")
    func drift() throws {
        var uplink = Uplink()
        for index in 0..<540_000 {
            uplink.milliseconds = index * 20
            let now = Duration.nanoseconds(Int64(index) * 19_994_000)
            _ = try uplink.timeline.received(uplink.microphone.frame(), units: 960, at: now)
        }
    }

    @Test("timestamps that advance less than their payloads do not hide that they are too fast")
    func hiddenSpeed() throws {
        var uplink = Uplink(units: 480)
        try uplink.talk(1)
        var thrown = false
        for _ in 0..<1_000 where !thrown {
            uplink.milliseconds += 10
            do {
                _ = try uplink.timeline.received(uplink.microphone.frame(), units: 2_880, at: uplink.now)
            } catch { thrown = error == .tooFast }
        }
        #expect(thrown)
    }

    @Test("setting the clock back again and again does not hide that it is too fast")
    func restartsHideNothing() throws {
        var uplink = Uplink()
        try uplink.talk(500)
        var taken = 0
        var thrown = false
        for _ in 0..<50 where !thrown {
            uplink.microphone.timestamp &-= 10 * 48_000
            for _ in 0..<90 where !thrown {
                do {
                    _ = try uplink.frame(after: 0)
                    taken += 1
                } catch { thrown = true }
            }
        }
        #expect(thrown)
        #expect(taken <= 300)
    }

    @Test("after a resend 8 times real time + 2 s are allowed, until caught up")
    func resend() throws {
        var uplink = Uplink()
        try uplink.talk(100)
        uplink.timeline.disconnected(at: uplink.now)
        uplink.milliseconds += 60_000
        uplink.timeline.connected(at: uplink.now, client: "page", resumed: true)
        uplink.microphone.sequence = 17
        // 60 s are behind. The first second: 2 s at once, then 8 frames every 20 ms.
        for _ in 0..<101 { _ = try uplink.frame(after: 0) }
        #expect(burst(&uplink, most: 10) == 0)
        uplink.milliseconds += 20
        uplink.microphone.sequence &-= 1
        uplink.microphone.timestamp &-= 960
        #expect(burst(&uplink) == 8)
        uplink.microphone.sequence &-= 1
        uplink.microphone.timestamp &-= 960
        // All the rest at 7 times real time, then live frames.
        while uplink.timeline.lastReceived!.position < uplink.timeline.position(at: uplink.now) - 960 {
            uplink.milliseconds += 20
            for _ in 0..<7 where uplink.timeline.lastReceived!.position < uplink.timeline.position(at: uplink.now) {
                #expect(try uplink.frame(after: 0).count == 1)
            }
        }
        try uplink.talk(50)
        // Caught up: real time counts again.
        #expect(burst(&uplink) <= 125)
    }

    @Test("a resend whose first frames are held up by the line may come in one piece")
    func heldUpResend() throws {
        var uplink = Uplink()
        try uplink.talk(100)
        uplink.timeline.disconnected(at: uplink.now)
        uplink.milliseconds += 30_000
        uplink.timeline.connected(at: uplink.now, client: "page", resumed: true)
        uplink.microphone.sequence = 17
        uplink.milliseconds += 1_500
        for _ in 0..<600 { _ = try uplink.frame(after: 0) }
    }

    @Test("a resumed connection with nothing to send again is held to real time")
    func nothingToResend() throws {
        var uplink = Uplink()
        try uplink.talk(100)
        uplink.timeline.disconnected(at: uplink.now)
        uplink.milliseconds += 5_000
        uplink.microphone.pause(units: 5 * 48_000)
        uplink.timeline.connected(at: uplink.now, client: "page", resumed: true)
        try uplink.talk(1)
        #expect(burst(&uplink) == 100)
    }

    @Test("a client whose backlog nobody knows has caught up when it gains nothing for 5 s")
    func unknownBacklog() throws {
        var uplink = Uplink()
        uplink.timeline = UplinkTimeline(startedAt: .zero, position: 100 * 48_000, reached: 40 * 48_000)
        uplink.timeline.connected(at: .zero, client: "page", resumed: true)
        for _ in 0..<1_000 { _ = try uplink.frame(after: 3) }
        // Live now, though 40 s of positions are missing.
        try uplink.talk(600)
        #expect((90...115).contains(burst(&uplink)))
    }

    @Test("a capture clock that stood still is set to the present after a while")
    func stoppedClock() throws {
        var uplink = Uplink()
        try uplink.talk(100)
        _ = uplink.wait(60_000)  // The page was suspended, its clock too.
        var anew = 0
        for _ in 0..<600 {
            for case .resynchronise in try uplink.frame() { anew += 1 }
        }
        #expect(anew == 1)
        let lag = uplink.timeline.position(at: uplink.now) - uplink.timeline.lastReceived!.position
        #expect((0...960).contains(lag))
    }
}
