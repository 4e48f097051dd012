import InterviewCore

/// `UplinkTimeline` over a whole conversation: connections come and go, page loads change, frames come in order, late,
/// twice, from the future, with any number on them; providers open and close; the clock only ever goes forward, by
/// anything from nothing to a century.
///
/// Invariants:
/// - a frame has at most four steps: resynchronise, conceal, silence, then exactly one of deliver, conceal and drop; all
///   lengths are positive and whole grains, and no more than 2 s of sound is made up before a frame;
/// - positions are never negative, and without a reference from outside never before the end of the frame delivered last;
/// - what was given grows by exactly what the steps and ticks say while a provider is open, else not at all;
/// - a tick asks for whole 20 ms, at most 2 s; nothing when nobody ever came, at most 1 s after everybody has left;
/// - a refused frame changes nothing; the same events give the same answers.
final class UplinkTarget: FuzzTarget {
    let name = "uplink"
    let share = 260
    let longestInput = 4_096

    let seeds: [[UInt8]] = [
        // Connected, a provider, frames, ticks; a stall; a loss; mute; a rejoin.
        [0xF1, 0, 0xD1] + [UInt8](repeating: 0, count: 80),
        [0xF1, 0, 0xD1] + [0, 0, 0, 0x70, 3, 0, 0, 0x80, 9, 0, 0xB9, 0, 0, 0xC0, 0xF1, 1, 0, 0, 0xE0, 7],
        [
            0xD1, 0xF1, 0, 0, 0, 0xC0, 0xBB, 0xF1, 1, 0, 0, 0, 0xD0, 0xD1, 0xE3, 5, 0, 0x90, 0xFF, 0xFF, 0xFF, 0xFF,
            0xFF, 0xFF,
        ],
    ]

    func generate(_ random: inout Random) -> [UInt8] {
        var bytes: [UInt8] = [0xF1, random.byte()]
        let count = random.length(upTo: 600)
        while bytes.count < count {
            if random.chance(oneIn: 3) {
                bytes += [UInt8](repeating: UInt8(random.below(0x70)), count: random.below(40))
            } else {
                bytes.append(random.byte())
            }
        }
        return bytes
    }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        var program = Program(input)
        var caller = UplinkCaller(&program)
        while let instruction = program.instruction() { try caller.follow(instruction, &program) }
        return caller.delivered > 0 ? .accepted : .refused
    }
}

/// A participant of whom anything may be expected, and the books about what the timeline answered.
struct UplinkCaller {
    private var timeline: UplinkTimeline
    private var now: Duration = .seconds(5)

    private var sequence: UInt16 = 0xFFF0
    private var timestamp: UInt32 = 0xFFFF_F000
    private var isConnected = false
    private var hasConnected = false
    private var hasReference = false
    private var providerIsOpen = false
    /// Silence asked for since the last disconnect.
    private var silenceAlone: Int64 = 0
    /// End of the last frame delivered.
    private var end: Int64 = 0
    /// Sound of frames while no provider was open: what a session would hold and replay.
    private var held: Int64 = 0
    private(set) var delivered = 0

    private static let longestHeld: Int64 = 10 * AudioUnits.perSecond

    init(_ program: inout Program) {
        // A new conversation, or one that goes on here.
        let isResumed = program.below(4) == 3
        timeline =
            isResumed
            ? UplinkTimeline(startedAt: now, position: 48_000 * 600, reached: 48_000 * 590)
            : UplinkTimeline(startedAt: now)
    }

    mutating func follow(_ instruction: UInt8, _ program: inout Program) throws(Broken) {
        switch instruction >> 4 {
        case 0...6: try speak(after: 20, units: 960)
        case 7:
            let lost = program.byte()
            sequence &+= UInt16(lost)
            timestamp &+= UInt32(lost * 960)
            try speak(after: lost * 20, units: 960)
        case 8:
            let muted = program.byte()
            timestamp &+= UInt32(muted * 1_920)
            try speak(after: muted * 40, units: 960)
        case 9:
            sequence = program.number16()
            timestamp = program.number32()
            try speak(after: program.below(3) * 20, units: 960)
        case 10:
            sequence &+= UInt16(bitPattern: Int16(Int8(bitPattern: UInt8(program.byte()))))
            timestamp &+= UInt32(bitPattern: Int32(Int16(bitPattern: program.number16())) * 37)
            try speak(after: 0, units: 960)
        case 11:
            now += program.timePassed()
            try tick()
        case 12: try disconnect()
        case 13: try turnProvider(instruction & 1 == 1, program.byte())
        case 14: try ask(program.wildNumber())
        default:
            if instruction & 1 == 1 { try connect(program.byte()) } else { try speakOddly(&program) }
        }
    }

    // MARK: Events

    private mutating func connect(_ kind: Int) throws(Broken) {
        var reference: CapturePoint?
        let client = "page \(kind >> 1 & 3)"
        if kind & 0x18 == 0x18 {
            hasReference = true
            reference = CapturePoint(
                client: client, timestamp: timestamp &- UInt32(kind) &* 9_600, position: Int64(kind - 40) * 48_000)
        }
        timeline.connected(at: now, client: client, resumed: kind & 1 == 1, reference: reference)
        if kind & 0x20 != 0 { sequence = UInt16(kind) &* 9_973 }
        if kind & 0xC0 == 0xC0 { timestamp = UInt32(kind) &* 0x0123_4567 }
        isConnected = true
        hasConnected = true
        silenceAlone = 0
        try checkPlaces()
    }

    private mutating func disconnect() throws(Broken) {
        timeline.disconnected(at: now)
        isConnected = false
        try checkPlaces()
    }

    private mutating func turnProvider(_ isOpen: Bool, _ kind: Int) throws(Broken) {
        guard isOpen else {
            timeline.providerClosed()
            providerIsOpen = false
            return
        }
        let replayed = kind & 1 == 1 ? min(held, Self.longestHeld) : 0
        timeline.providerOpened(at: now, replayed: replayed)
        providerIsOpen = true
        held = 0
        try expect([0, replayed].contains(timeline.given), "a new provider was given what was replayed")
        try checkPlaces()
    }

    private mutating func tick() throws(Broken) {
        let before = timeline.given
        var twin = timeline
        let units = timeline.ticked(at: now)
        try expect(units == twin.ticked(at: now), "the same tick asks for the same")
        try expect(
            (0...2 * AudioUnits.perSecond).contains(units) && units % 960 == 0,
            "a tick asks for whole 20 ms, at most 2 s")
        try expect(units == 0 || (providerIsOpen && hasConnected), "silence is for a provider, after somebody came")
        try expect(timeline.given == before + units, "what a tick asks for counts as given")
        if !isConnected { silenceAlone += units }
        try expect(silenceAlone <= AudioUnits.perSecond, "after a disconnect there is at most 1 s of silence")
        try checkPlaces()
    }

    private mutating func ask(_ milliseconds: Int64) throws(Broken) {
        let point = timeline.capturePoint(atGivenMilliseconds: Int(milliseconds))
        try expect(point == nil || timeline.given > 0, "nothing given has no place")
        if let point, !hasReference { try expect(point.position >= 0, "a position is never negative") }
    }

    private mutating func speakOddly(_ program: inout Program) throws(Broken) {
        let lengths: [Int?] = [nil, 480, 479, 2_880, 2_881, 0, -1, .max, .min, 120, 1_920, 961, 2_879, nil]
        sequence &+= 1
        timestamp &+= 960
        try hear(units: lengths[program.below(lengths.count)])
    }

    private mutating func speak(after milliseconds: Int, units: Int) throws(Broken) {
        now += .milliseconds(milliseconds)
        sequence &+= 1
        timestamp &+= 960
        try hear(units: units)
        try tick()
    }

    // MARK: Frames

    private mutating func hear(units: Int?) throws(Broken) {
        let before = timeline
        let header = AudioFrameHeader(format: .opus, sequence: sequence, timestamp: timestamp)
        let steps: UplinkSteps
        do throws(ProtocolViolation) { steps = try timeline.received(header, units: units, at: now) } catch {
            try expect(error == .tooFast || error == .badFrame, "a frame is too fast or bad, nothing else")
            let isLegal = units.map { UplinkTimeline.frameUnits.contains($0) } ?? true
            try expect((error == .badFrame) == !isLegal, "a bad frame is one of an impossible length")
            try expect(timeline.given == before.given, "a refused frame is not given")
            try expect(timeline.lastReceived == before.lastReceived, "a refused frame was not received")
            // A violation ends the connection.
            try disconnect()
            return
        }
        var twin = before
        let again = try? twin.received(header, units: units, at: now)
        try expect(again == steps, "the same frame has the same steps")
        let sound = try check(steps, units: units)
        try expect(
            timeline.given == before.given + (providerIsOpen ? sound : 0), "exactly what the steps say is given")
        if !providerIsOpen { held += sound }
        try checkPlaces()
    }

    /// Answers the length of the sound that the steps make.
    private mutating func check(_ steps: UplinkSteps, units: Int?) throws(Broken) -> Int64 {
        let all = Array(steps)
        try expect((1...UplinkSteps.longest).contains(all.count), "a frame has one to four steps")
        if all == [.drop] { return 0 }
        try expect(isConnected, "without a connection a frame is dropped")
        var sound: Int64 = 0
        var madeUp: Int64 = 0
        for (index, step) in all.enumerated() {
            let isLast = index == all.count - 1
            switch step {
            case .resynchronise: try expect(index == 0 && !isLast, "a new beginning comes first")
            case .conceal(let units), .silence(let units):
                try expect(units > 0 && units % AudioUnits.grain == 0, "made-up sound is whole grains")
                sound += units
                if !isLast { madeUp += units }
            case .deliver(let position):
                try expect(isLast && units != nil, "a frame that decodes is delivered last")
                try expect(position >= 0, "a position is never negative")
                try expect(hasReference || position >= end, "a frame lies behind the one before")
                sound += Int64(units ?? 0)
                end = position + Int64(units ?? 0)
                delivered += 1
            case .drop: throw Broken("does not hold: a dropped frame has no other steps")
            }
        }
        if units == nil { try expect(all.last.map(Self.isConcealment) ?? false, "what does not decode is concealed") }
        try expect(madeUp <= UplinkTimeline.longestJump, "at most 2 s are made up before a frame")
        return sound
    }

    private static func isConcealment(_ step: UplinkSteps.Step) -> Bool {
        if case .conceal = step { true } else { false }
    }

    private func checkPlaces() throws(Broken) {
        try expect(timeline.given >= 0, "what was given is never negative")
        try expect(
            timeline.resendFrom == timeline.lastReceived?.timestamp, "what is resent begins where the last frame ended")
        if let last = timeline.lastReceived { try expect(last.position >= 0, "a position is never negative") }
        if let point = timeline.capturePoint(atGivenMilliseconds: .max), !hasReference {
            try expect(point.position >= 0, "nor is that of the end of what was given")
        }
    }
}
