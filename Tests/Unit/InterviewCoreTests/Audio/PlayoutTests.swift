import InterviewCore
import Testing

/// A playout with a clock in milliseconds, and what it said in short.
struct Player {
    var playout = Playout()
    var milliseconds = 1_000
    var now: Duration { .milliseconds(milliseconds) }
    /// Packets sent: (item, number of the packet as its first byte says, timestamp).
    var sent: [(item: String, number: UInt8, timestamp: UInt32)] = []
    var said: [Playout.OnTick] = []
    static let firstTimestamp: UInt32 = .max - 1_500

    init(connected: Bool = true) {
        if connected { connect() }
    }

    mutating func connect(_ resume: Hello.Resume? = nil, firstTimestamp: UInt32 = Player.firstTimestamp) {
        playout.connected(at: now, firstTimestamp: firstTimestamp, resume: resume)
    }

    /// Utterance `item` (at the provider `p<item>`) of `packets` packets, each numbered in its bytes.
    mutating func speak(_ item: String, packets: Int, finished: Bool = true) throws {
        try playout.began(item: item, providerItem: "p" + item)
        try add(packets, to: item)
        if finished { playout.finished("p" + item) }
    }

    mutating func add(_ packets: Int, to item: String, from first: Int = 0) throws {
        for number in 0..<packets {
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: first + number), count: 1 + (number * 37) % 200)
            _ = try bytes.withUnsafeBytes { bytes throws in try playout.append(bytes, to: "p" + item) }
        }
    }

    /// All that is due now.
    @discardableResult
    mutating func look() -> [Playout.OnTick] {
        var due: [Playout.OnTick] = []
        while let next = playout.ticked(at: now) {
            due.append(next)
            if case .send(let item, let timestamp, let packet) = next { sent.append((item, packet[0], timestamp)) }
        }
        said += due
        return due
    }

    /// Ticks every 20 ms for `length`; all that was said.
    @discardableResult
    mutating func run(_ length: Int) -> [Playout.OnTick] {
        var due: [Playout.OnTick] = []
        for _ in 0..<length / 20 {
            milliseconds += 20
            due += look()
        }
        return due
    }

    var announcements: [Playout.OnTick] {
        said.filter { if case .announce = $0 { true } else { false } }
    }
    var truncations: [Playout.Truncation] {
        said.compactMap { if case .truncate(let truncation) = $0 { truncation } else { nil } }
    }
}

@Suite("Playout: pacing")
struct PlayoutPacingTests {
    @Test("an utterance is announced, starts with 60 ms in hand and goes on at real time, over a timestamp wrap")
    func paces() throws {
        var player = Player()
        try player.speak("a", packets: 100)
        #expect(player.look().first == .announce(item: "a", startTimestamp: Player.firstTimestamp))
        #expect(player.sent.count == 4)
        for step in 1...96 {
            player.run(20)
            #expect(player.sent.count == 4 + step)
        }
        player.run(200)
        #expect(player.sent.map(\.number) == (0..<100).map { UInt8($0) })
        #expect(player.sent.map(\.timestamp) == (0..<100).map { Player.firstTimestamp &+ UInt32($0) * 960 })
        #expect(player.announcements.count == 1)
    }

    @Test("packets come out as they went in, whatever their lengths")
    func bytes() throws {
        var player = Player()
        try player.playout.began(item: "a", providerItem: "pa")
        var packets: [[UInt8]] = []
        for number in 0..<2_000 {
            let packet = (0..<1 + number * 97 % 1_500).map { UInt8(truncatingIfNeeded: $0 ^ number) }
            packets.append(packet)
            _ = try packet.withUnsafeBytes { bytes throws in try player.playout.append(bytes, to: "pa") }
        }
        player.look()
        player.run(45_000)
        let out = player.said.compactMap { if case .send(_, _, let packet) = $0 { packet } else { nil } }
        #expect(out == packets)
    }

    @Test("a late tick catches up by debt", arguments: [20, 60, 100, 500, 1_000])
    func lateTick(late: Int) throws {
        var player = Player()
        try player.speak("a", packets: 200)
        player.look()
        player.milliseconds += late
        player.look()
        #expect(player.sent.count == 4 + late / 20)
        player.run(200)
        #expect(player.sent.count == 4 + late / 20 + 10)
    }

    @Test("a provider that pauses shifts what follows; nothing is sent in a burst afterwards")
    func starves() throws {
        var player = Player()
        try player.speak("a", packets: 10, finished: false)
        player.look()
        player.run(1_000)
        #expect(player.sent.count == 10)
        try player.add(50, to: "a", from: 10)
        player.look()
        #expect(player.sent.count == 14)
        player.run(100)
        #expect(player.sent.count == 19)
        // Within one item timestamps go on without a gap.
        #expect(player.sent.last?.timestamp == Player.firstTimestamp &+ 18 * 960)
    }

    @Test("packets that arrive just in time are sent as they come")
    func justInTime() throws {
        var player = Player()
        try player.speak("a", packets: 1, finished: false)
        player.look()
        for number in 1..<100 {
            player.milliseconds += 20
            try player.add(1, to: "a", from: number)
            player.look()
            #expect(player.sent.count == number + 1)
        }
    }

    @Test("utterances follow each other without a gap, in their order")
    func twoItems() throws {
        var player = Player()
        try player.speak("a", packets: 10)
        try player.speak("b", packets: 10)
        player.look()
        player.run(600)
        #expect(player.sent.map(\.item) == Array(repeating: "a", count: 10) + Array(repeating: "b", count: 10))
        #expect(player.sent.last?.timestamp == Player.firstTimestamp &+ 19 * 960)
        #expect(player.announcements.last == .announce(item: "b", startTimestamp: Player.firstTimestamp &+ 10 * 960))
    }

    @Test("between utterances nothing is sent and the timestamp jumps with the clock")
    func pauseBetween() throws {
        var player = Player()
        try player.speak("a", packets: 10)
        player.look()
        player.run(5_000)
        #expect(player.sent.count == 10)
        try player.speak("b", packets: 1)
        player.look()
        #expect(player.sent.last?.timestamp == Player.firstTimestamp &+ 5_000 * 48)
    }

    @Test("the next utterance waits for the end of the one before, and its start ends that one")
    func waitsForEnd() throws {
        var player = Player()
        try player.speak("a", packets: 5, finished: false)
        player.look()
        player.run(1_000)
        #expect(player.playout.currentItem == "a")
        #expect(!player.playout.isEmptyAndConfirmed(at: player.now))
        try player.speak("b", packets: 5)
        player.run(1_000)
        #expect(player.sent.count == 10)
        #expect(player.said.contains(.playedOut(item: "a", providerItem: "pa")))
    }

    @Test("before anybody has come everything waits")
    func absent() throws {
        var player = Player(connected: false)
        try player.speak("a", packets: 50)
        #expect(player.run(60_000).isEmpty)
        player.connect()
        player.look()
        #expect(player.sent.count == 4)
        #expect(player.announcements == [.announce(item: "a", startTimestamp: Player.firstTimestamp)])
    }
}

@Suite("Playout: limits")
struct PlayoutLimitTests {
    @Test("240 s may wait, a packet more is the provider's fault")
    func queue() throws {
        var player = Player(connected: false)
        try player.speak("a", packets: Playout.longestQueue, finished: false)
        #expect(throws: PlayoutError.queueFull) { try player.add(1, to: "a") }
        player.connect()
        player.look()
        try player.add(4, to: "a")
        #expect(throws: PlayoutError.queueFull) { try player.add(1, to: "a") }
    }

    @Test("64 utterances may wait")
    func items() throws {
        var player = Player(connected: false)
        for number in 0..<Playout.mostItems { try player.speak("\(number)", packets: 1) }
        #expect(throws: PlayoutError.tooManyItems) { try player.speak("more", packets: 1) }
    }

    @Test("a packet is 1 to 1,500 bytes", arguments: [0, 1_501])
    func packet(bytes: Int) throws {
        var player = Player()
        try player.playout.began(item: "a", providerItem: "pa")
        #expect(throws: PlayoutError.badPacket(bytes: bytes)) {
            try [UInt8](repeating: 0, count: bytes).withUnsafeBytes { bytes throws in
                try player.playout.append(bytes, to: "pa")
            }
        }
    }

    @Test("of what nobody confirms the last 30 s are kept")
    func unconfirmed() throws {
        var player = Player()
        try player.speak("a", packets: 3_000)
        player.look()
        player.run(50_000)
        player.playout.disconnected(at: player.now)
        player.connect()
        player.sent = []
        player.look()
        // 2,504 were sent: the first 1,004 of them count as heard.
        #expect(player.sent.first?.number == UInt8(truncatingIfNeeded: 1_004))
    }

    @Test("packets of an item that is over, or not the last, are ignored")
    func ignored() throws {
        var player = Player()
        try player.speak("a", packets: 2)
        func append(_ item: String) throws -> Playout.OnAppended {
            try [UInt8(1)].withUnsafeBytes { bytes throws in try player.playout.append(bytes, to: item) }
        }
        #expect(try append("pa") == .ignored)
        #expect(try append("unknown") == .ignored)
        try player.playout.began(item: "b", providerItem: "pb")
        #expect(try append("pb") == .queued)
        _ = player.playout.interrupted(at: player.now)
        #expect(try append("pb") == .ignored)
    }
}
