import InterviewCore

/// `SessionLifecycle` with any limits and any events in any order; the clock only goes forward.
///
/// Invariants: once over, always over, with the same outcome, and every answer is `nothing`, `refuse` or no; the end is
/// said exactly once; greeting and wrap-up are asked for at most once; active time never shrinks and what remains never
/// grows beyond the limit; before its deadline a session has nothing to say, at the deadline it has; equal events give
/// equal states.
final class LifecycleTarget: FuzzTarget {
    let name = "lifecycle"
    let share = 500
    let longestInput = 1_024

    let seeds: [[UInt8]] = [
        [0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x30, 0x40, 0xF0, 0x10, 0xF3, 0x00, 0xF1, 0x60, 0xF2, 0x70],
        [1, 9, 9, 9, 9, 9, 9, 9, 0x00, 0x30, 0x51, 0x10, 0x30, 0xFC, 0x00, 0x40, 0xFD, 0x90, 0xF0],
    ]

    func generate(_ random: inout Random) -> [UInt8] { random.bytes(8 + random.length(upTo: 200)) }

    func take(_ input: UnsafeRawBufferPointer) throws(Broken) -> Answer {
        var program = Program(input)
        var watch = LifecycleWatch(&program)
        while let instruction = program.instruction() { try watch.follow(instruction, &program) }
        return watch.wasLive ? .accepted : .refused
    }
}

struct LifecycleWatch {
    private var lifecycle: SessionLifecycle
    private var twin: SessionLifecycle
    private var now: Duration = .seconds(1)
    private var ends = 0
    private var greetings = 0
    private var wrapUps = 0
    private var active: Duration = .zero
    private(set) var wasLive = false

    init(_ program: inout Program) {
        func time() -> Duration { .seconds(program.byte()) * [0, 1, 10, 600][program.below(4)] }
        let isResumed = program.flag()
        let limits = LifecycleLimits(
            idle: time(), hardLimit: time(), wrapUp: time(), rejoin: time(), providerPatience: time(), farewell: time(),
            seat: time())
        let before: Duration = isResumed ? time() : .zero
        lifecycle = SessionLifecycle(limits: limits, activeBefore: before, resumed: isResumed, at: now)
        twin = lifecycle
        active = lifecycle.activeTime(at: now)
    }

    mutating func follow(_ instruction: UInt8, _ program: inout Program) throws(Broken) {
        if instruction >> 4 == 15 { now += program.timePassed() }
        let outcome = lifecycle.outcome
        let deadline = lifecycle.nextDeadline()
        let said = Self.tell(&lifecycle, instruction, now)
        try expect(said == Self.tell(&twin, instruction, now) && lifecycle == twin, "equal events give equal states")
        if let outcome {
            try expect(lifecycle.outcome == outcome, "once over, always over, with the same outcome")
            try expect(said == .silence, "after the end there is nothing to say")
            try expect(deadline == nil, "after the end nothing is waited for")
        } else {
            try check(said, instruction, deadline)
        }
        if case .live = lifecycle.state { wasLive = true }
        let time = lifecycle.activeTime(at: now)
        try expect(time >= active, "active time never shrinks")
        active = time
        let remaining = lifecycle.remaining(at: now)
        try expect(remaining >= .zero && remaining <= lifecycle.limits.hardLimit, "what remains is within the limit")
    }

    private enum Said: Equatable {
        case silence, end(EndEntry), released, greet, wrapUp, something
    }

    private mutating func check(_ said: Said, _ instruction: UInt8, _ deadline: Duration?) throws(Broken) {
        switch said {
        case .end(let entry):
            ends += 1
            try expect(lifecycle.outcome == .ended(entry), "who ends is over, for that reason")
        case .released: try expect(lifecycle.outcome != nil, "who is let go is over")
        case .greet: greetings += 1
        case .wrapUp: wrapUps += 1
        case .silence, .something: try expect(lifecycle.outcome == nil, "an end is said")
        }
        try expect(ends <= 1 && greetings <= 1 && wrapUps <= 1, "end, greeting and wrap-up are said once")
        guard instruction >> 4 >= 14 else { return }
        guard let deadline else { throw Broken("does not hold: whoever is not over waits for something") }
        if deadline != .zero, now >= deadline {
            try expect(said != .silence, "at the deadline there is something to say")
        }
    }

    private static func tell(_ lifecycle: inout SessionLifecycle, _ instruction: UInt8, _ now: Duration) -> Said {
        switch instruction >> 4 {
        case 0: return lifecycle.participantJoined(at: now) == .refuse ? .silence : .something
        case 1, 2:
            switch lifecycle.participantLost(at: now) {
            case .suspend: return .something
            case .end(let entry): return .end(entry)
            case .nothing: return .silence
            }
        case 3, 4:
            switch lifecycle.providerReady(at: now) {
            case .greet: return .greet
            case .goOn, .sayGoodbye: return .something
            case .nothing: return .silence
            }
        case 5:
            switch lifecycle.providerLost(
                "network", curable: instruction & 1 == 0, goodbyeIsOwed: instruction & 2 == 0, at: now)
            {
            case .reopen, .playOut: return .something
            case .end(let entry): return .end(entry)
            case .nothing: return .silence
            }
        case 6:
            switch lifecycle.endRequested(at: now) {
            case .farewell: return .something
            case .end(let entry): return .end(entry)
            case .nothing: return .silence
            }
        case 7: return said(lifecycle.playedOut(at: now))
        case 8: return lifecycle.budgetNearlySpent() == .wrapUp ? .wrapUp : .silence
        case 9:
            lifecycle.participantSpoke(at: now)
            return .silence
        default: return tellRarely(&lifecycle, instruction, now)
        }
    }

    private static func tellRarely(_ lifecycle: inout SessionLifecycle, _ instruction: UInt8, _ now: Duration) -> Said {
        switch instruction {
        case 0xA0...0xA3: return said(lifecycle.participantLeft(at: now))
        case 0xA4: return said(lifecycle.ended(.adminClosed, detail: "x", at: now))
        case 0xA5: return lifecycle.released(at: now) ? .released : .silence
        case 0xA6: return lifecycle.takenOver(at: now) ? .released : .silence
        case 0xE0...0xFF:
            switch lifecycle.ticked(at: now) {
            case .nothing: return .silence
            case .askStillThere: return .something
            case .wrapUp: return .wrapUp
            case .end(let entry): return .end(entry)
            case .abandon: return .released
            }
        default: return .silence
        }
    }

    private static func said(_ end: SessionLifecycle.OnEnd) -> Said {
        switch end {
        case .end(let entry): .end(entry)
        case .nothing: .silence
        }
    }
}
