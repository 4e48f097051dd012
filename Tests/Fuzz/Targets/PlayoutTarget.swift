import InterviewCore

/// `Playout` over a whole conversation: the provider begins, adds to, finishes and repeats utterances; the participant
/// interrupts, says any number of milliseconds about any item, goes and comes back; the clock only goes forward.
///
/// Invariants:
/// - frames go out only while somebody is connected, of announced items, in order, none twice on one connection;
/// - timestamps never go back on a connection; nothing is sent sooner than real time and 60 ms allow;
/// - each item ends once, by `truncate` or `playedOut`, and nothing of it is sent afterwards, nor after a flush;
/// - nobody heard more than was sent, nor less than nothing;
/// - queues keep to their limits, and looking for what is due comes to an end.
final class PlayoutTarget: FuzzTarget {
    let name = "playout"
    let share = 150
    let longestInput = 4_096

    let seeds: [[UInt8]] = [
        [0xE1, 0, 0xA0, 0x70, 50, 0xB0, 3] + [UInt8](repeating: 0, count: 70),
        [
            0xE1, 0, 0xA0, 0x70, 40, 0, 0, 0, 0, 0xC1, 1, 60, 0, 0xD0, 0, 0, 0, 0xC1, 1, 80, 0, 0, 0xA0, 0x70, 9, 0xB0,
            0, 0,
        ],
        [
            0xA0, 0x70, 90, 0xE1, 7, 0, 0, 0, 0, 0xE0, 0x60, 0xB0, 0xE3, 9, 0, 0, 0, 0xE0, 0x60, 0xBB, 0xE1, 1, 0, 0,
            0x71, 0xFF,
        ],
    ]

    func generate(_ random: inout Random) -> [UInt8] {
        var bytes: [UInt8] = [0xE1, 0, 0xA0, 0x70, random.byte()]
        let count = random.length(upTo: 500)
        while bytes.count < count {
            if random.chance(oneIn: 3) {
                bytes += [UInt8](repeating: 0, count: random.below(30))
            } else {
                bytes.append(random.byte())
            }
        }
        return bytes
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        var program = Program(input)
        var stage = PlayoutStage()
        while let instruction = program.instruction() { try stage.follow(instruction, &program) }
        return stage.sentPackets > 0 ? .accepted : .refused
    }
}

/// Provider, participant and clock around a playout, and the books about what it answered.
struct PlayoutStage {
    private struct Item {
        var appended = 0
        /// Packets ever sent.
        var sent = 0
        /// Number of the next packet that may be sent on this connection.
        var next = 0
        var isAnnounced = false
        var isFlushed = false
        var isOver = false
    }

    private var playout = Playout()
    private var now: Duration = .seconds(3)
    private var items: [Item] = []
    private var isConnected = false
    private var connectedAt: Duration = .zero
    private var timestamp: UInt32?
    private var connectionPackets = 0
    private var interruptions = 0
    /// The item of the last frame on this connection.
    private var lastItem = 0
    private(set) var sentPackets = 0

    mutating func follow(_ instruction: UInt8, _ program: inout Program) throws(Broken) {
        switch instruction >> 4 {
        case 0...5: now += .milliseconds(20)
        case 6: now += program.timePassed()
        case 7...9: try append(1 + program.byte(), to: Int(instruction & 15))
        case 10: try begin(&program, repeating: instruction & 15 == 15)
        case 11:
            let length = instruction & 1 == 1 ? Int(clamping: program.wildNumber()) : nil
            playout.finished(Self.providerItem(chosen(program.byte())), milliseconds: length)
        case 12: try played(instruction, &program)
        case 13: try interrupt()
        case 14: connect(instruction, &program)
        default: now += .milliseconds(Int(instruction & 15))
        }
        try drain()
    }

    private static func name(_ item: Int) -> String { "item-\(item)" }
    private static func providerItem(_ item: Int) -> String { "p\(item)" }
    private static func number(_ name: String) -> Int { Int(name.dropFirst(5)) ?? -1 }

    /// Mostly the last one.
    private func chosen(_ kind: Int) -> Int {
        kind & 3 == 3 ? (kind >> 2) % max(items.count, 1) : max(items.count - 1, 0)
    }

    // MARK: Events

    private mutating func begin(_ program: inout Program, repeating: Bool) throws(Broken) {
        let item = items.count
        let provider = repeating && item > 0 ? item - 1 : item
        do throws(PlayoutError) {
            try playout.began(item: Self.name(item), providerItem: Self.providerItem(provider))
            items.append(Item())
        } catch {
            let open = items.count { !$0.isOver && !$0.isFlushed }
            try expect(error == .tooManyItems && open >= Playout.mostItems, "only too many items are refused")
        }
    }

    private mutating func append(_ count: Int, to kind: Int) throws(Broken) {
        let last = items.count - 1
        let sizes = [6, 80, 90, 120, 400, 1_276, 1_500]
        for _ in 0..<count {
            guard last >= 0 else { return }
            let size = kind == 15 ? [0, 1_501, 9_000][items[last].appended % 3] : sizes[kind % sizes.count]
            var packet = [UInt8](repeating: 0xAA, count: max(size, 6))
            for byte in 0..<6 {
                let value = byte < 2 ? last : items[last].appended
                packet[byte] = UInt8(truncatingIfNeeded: value >> (byte < 2 ? 8 * byte : 8 * (byte - 2)))
            }
            let provider = Self.providerItem(kind == 14 ? last + 5 : last)
            let answer: Result<Playout.OnAppended, PlayoutError> = packet.withUnsafeBytes { bytes in
                let bytes = UnsafeRawBufferPointer(rebasing: bytes[..<size])
                do throws(PlayoutError) { return .success(try playout.append(bytes, to: provider)) } catch {
                    return .failure(error)
                }
            }
            switch answer {
            case .success(.queued): items[last].appended += 1
            case .success(.ignored): break
            case .failure(.badPacket(let bytes)):
                try expect(!(1...1_500).contains(bytes), "only impossible packets are bad")
            case .failure(.queueFull):
                try expect(playout.queuedPackets >= Playout.longestQueue, "only a full queue is full")
            case .failure(.tooManyItems): throw Broken("does not hold: adding sound needs no item")
            }
        }
    }

    private mutating func played(_ instruction: UInt8, _ program: inout Program) throws(Broken) {
        let item = chosen(program.byte())
        let milliseconds = instruction & 1 == 1 ? program.byte() * 20 : Int(clamping: program.wildNumber())
        playout.played(item: Self.name(item), milliseconds: milliseconds, at: now)
    }

    private mutating func interrupt() throws(Broken) {
        interruptions += 1
        let told = playout.interrupted(at: now)
        for name in told {
            let item = Self.number(name)
            try expect(items.indices.contains(item) && items[item].isAnnounced, "only what the client knows is flushed")
        }
        for item in items.indices { items[item].isFlushed = true }
        try expect(playout.queuedPackets == 0, "after an interruption nothing is queued")
    }

    private mutating func connect(_ instruction: UInt8, _ program: inout Program) {
        guard instruction & 1 == 1 else {
            playout.disconnected(at: now)
            isConnected = false
            return
        }
        let kind = program.byte()
        let resume: Hello.Resume? =
            kind & 1 == 0
            ? nil
            : Hello.Resume(item: Self.name(chosen(kind >> 1)), playedMilliseconds: Int(clamping: program.wildNumber()))
        let first = kind & 0x40 == 0 ? UInt32(kind) : UInt32.max - 2_000
        playout.connected(at: now, firstTimestamp: first, resume: resume)
        isConnected = true
        connectedAt = now
        timestamp = nil
        connectionPackets = 0
        interruptions = 0
        lastItem = 0
        for item in items.indices {
            items[item].isAnnounced = false
            items[item].next = 0
        }
    }

    // MARK: What is due

    private mutating func drain() throws(Broken) {
        var looks = playout.queuedPackets + items.count * 4 + Playout.longestUnconfirmed * 2
        while let next = playout.ticked(at: now) {
            looks -= 1
            try expect(looks > 0, "looking for what is due comes to an end")
            switch next {
            case .announce(let name, _): try announced(Self.number(name))
            case .send(let name, let time, let packet): try sent(Self.number(name), time, packet)
            case .truncate(let truncation):
                try ended(Self.number(truncation.item), heard: truncation.heardMilliseconds)
            case .playedOut(let name, _): try ended(Self.number(name), heard: 0)
            }
        }
        // A new connection may have to be sent again what the last one was sent.
        let most = Playout.longestQueue + Playout.longestUnconfirmed
        try expect((0...most).contains(playout.queuedPackets), "the queue keeps to its limit")
        if let current = playout.currentItem {
            let heard = playout.heardMilliseconds(of: current, at: now) ?? 0
            try expect((0...items[Self.number(current)].sent * 20).contains(heard), "nobody heard more than was sent")
        }
    }

    private mutating func announced(_ item: Int) throws(Broken) {
        try expect(items.indices.contains(item) && isConnected, "an item is announced to somebody")
        try expect(!items[item].isAnnounced && !items[item].isOver && !items[item].isFlushed, "once, while it is there")
        items[item].isAnnounced = true
    }

    private mutating func sent(_ item: Int, _ time: UInt32, _ packet: [UInt8]) throws(Broken) {
        try expect(isConnected && items.indices.contains(item), "a frame is sent to somebody")
        try expect(items[item].isAnnounced, "an item is announced before its frames")
        try expect(!items[item].isOver && !items[item].isFlushed, "nothing is sent of what is over or flushed")
        try expect(item >= lastItem, "items go out in the order in which they began")
        if let timestamp {
            try expect(
                SerialNumber.distance(from: timestamp, to: time) >= 960,
                "timestamps never go back, frames do not overlap")
        }
        timestamp = time
        lastItem = item
        let owner = Int(packet[0]) | Int(packet[1]) << 8
        let number = (0..<4).reduce(0) { $0 | Int(packet[2 + $1]) << (8 * $1) }
        try expect(owner == item & 0xFFFF, "a frame is its item's")
        try expect(number >= items[item].next, "frames go out in order, none twice on a connection")
        // A client may say that it heard on an earlier connection what has not been sent on this one.
        try expect(number <= max(items[item].next, items[item].sent), "and none is left out that was never sent")
        try expect(number < items[item].appended, "only what was added is sent")
        items[item].next = number + 1
        items[item].sent = max(items[item].sent, number + 1)
        sentPackets += 1
        connectionPackets += 1
        // Each interruption may begin the 60 ms anew.
        let allowed = (now - connectedAt) + (Playout.lead + .milliseconds(20)) * (1 + interruptions)
        try expect(
            .milliseconds(20) * connectionPackets <= allowed, "nothing is sent sooner than real time and 60 ms allow")
    }

    private mutating func ended(_ item: Int, heard: Int) throws(Broken) {
        try expect(items.indices.contains(item) && !items[item].isOver, "each item ends once")
        items[item].isOver = true
        try expect((0...items[item].sent * 20).contains(heard), "nobody heard more than was sent")
    }
}
