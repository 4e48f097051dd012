/// A small generator of chance with a seed, so that a run can be repeated (SplitMix64).
package struct SeededChance: RandomNumberGenerator, Sendable {
    private var state: UInt64
    package init(seed: UInt64) { state = seed }
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// How a participant behaves.
package enum TalkStyle: Hashable, Sendable {
    /// One clip after the other without end, whatever the agent does.
    case endless
    /// One clip after the other, once, then silence.
    case once
    /// As people do: listens, thinks, speaks, listens.
    case turns(TurnHabits)
    /// The microphone is on and nobody speaks.
    case quiet
}

package struct TurnHabits: Hashable, Sendable {
    /// Milliseconds between the end of what the agent says and the participant's next word.
    package var thinkMilliseconds: ClosedRange<Int>
    /// Share of the agent's utterances that are interrupted, 0…1.
    package var bargeIn: Double
    /// Share of turns before which the microphone is muted for 2 to 6 s, 0…1.
    package var mute: Double
    /// How long an answer is waited for before the participant speaks again.
    package var patienceMilliseconds: Int
    /// Utterances after which the participant only listens; nil: no end.
    package var rounds: Int?
    /// Clips at random, else in their order.
    package var shuffled: Bool

    package init(
        thinkMilliseconds: ClosedRange<Int> = 500...2_000, bargeIn: Double = 0, mute: Double = 0,
        patienceMilliseconds: Int = 12_000, rounds: Int? = nil, shuffled: Bool = true
    ) {
        self.thinkMilliseconds = thinkMilliseconds
        self.bargeIn = bargeIn
        self.mute = mute
        self.patienceMilliseconds = patienceMilliseconds
        self.rounds = rounds
        self.shuffled = shuffled
    }
}

/// Decides frame by frame (20 ms) what the microphone hears.
package struct TalkPlan: Sendable {
    /// What happens in one frame.
    package struct Frame: Hashable, Sendable {
        /// Nil: muted.
        package var source: FrameSource?
        /// The last frame of an utterance: from here on an answer is waited for.
        package var endsUtterance = false
    }

    private enum State: Hashable, Sendable {
        case listening(since: Int)
        /// The agent has fallen silent at `since`; a pause inside an utterance is not its end.
        case settling(since: Int)
        case thinking(until: Int)
        case muted(until: Int)
        case speaking(clip: Int, frame: Int)
        case done
    }

    /// The agent must be silent this long before its utterance counts as over: 300 ms.
    private static let settleFrames = 15

    private let style: TalkStyle
    /// Frames of each clip.
    private let lengths: [Int]
    private var chance: SeededChance
    private var state: State
    private var now = 0
    private var spoken = 0
    private var nextClip: Int
    private var heardAgent = false
    /// The frame at which the participant interrupts the running utterance.
    private var interruptAt: Int?
    private var agentWasPlaying = false
    /// Utterances that nothing was answered to within the patience.
    package private(set) var unanswered = 0

    /// `lengths` in frames of 20 ms; `firstClip` lets many participants say different things.
    package init(style: TalkStyle, lengths: [Int], firstClip: Int = 0, seed: UInt64) {
        self.style = style
        self.lengths = lengths
        chance = SeededChance(seed: seed)
        nextClip = lengths.isEmpty ? 0 : firstClip % lengths.count
        let silent = lengths.allSatisfy { $0 == 0 } || style == .quiet
        switch style {
        case _ where silent: state = .done
        case .turns: state = .listening(since: 0)
        case .endless, .once, .quiet:
            state = .listening(since: 0)
            state = .speaking(clip: takeClip(), frame: 0)
        }
    }

    package var isSpeaking: Bool { if case .speaking = state { true } else { false } }
    /// Everything that was to be said has been said.
    package var isDone: Bool { state == .done }

    /// `agentPlaying`: agent speech is being heard by the participant right now.
    package mutating func next(agentPlaying: Bool) -> Frame {
        defer {
            now += 1
            agentWasPlaying = agentPlaying
        }
        if case .turns(let habits) = style { follow(habits, agentPlaying) }
        switch state {
        case .speaking(let clip, let frame):
            let ends = frame + 1 >= lengths[clip]
            if ends { finishClip() } else { state = .speaking(clip: clip, frame: frame + 1) }
            return Frame(source: .speech(clip: clip, frame: frame), endsUtterance: ends)
        case .muted: return Frame(source: nil)
        case .listening, .settling, .thinking, .done: return Frame(source: .room(frame: now))
        }
    }

    private mutating func follow(_ habits: TurnHabits, _ playing: Bool) {
        if playing { heardAgent = true }
        if playing, !agentWasPlaying, Double.random(in: 0..<1, using: &chance) < habits.bargeIn {
            interruptAt = now + Int.random(in: 25...125, using: &chance)
        }
        if !playing { interruptAt = nil }
        switch state {
        case .listening(let since):
            if let interruptAt, now >= interruptAt {
                self.interruptAt = nil
                speak(habits)
            } else if heardAgent, !playing {
                state = .settling(since: now)
            } else if !playing, now - since >= habits.patienceMilliseconds / 20 {
                if spoken > 0 { unanswered += 1 }
                speak(habits)
            }
        case .settling(let since):
            if playing {
                state = .listening(since: now)
            } else if now - since >= Self.settleFrames {
                pause(habits)
            }
        case .thinking(let until):
            if playing { state = .listening(since: now) } else if now >= until { speak(habits) }
        case .muted(let until):
            if now >= until { speak(habits) }
        case .speaking, .done: break
        }
    }

    private mutating func pause(_ habits: TurnHabits) {
        if let rounds = habits.rounds, spoken >= rounds {
            state = .done
        } else if Double.random(in: 0..<1, using: &chance) < habits.mute {
            state = .muted(until: now + Int.random(in: 100...300, using: &chance))
        } else {
            state = .thinking(until: now + Int.random(in: habits.thinkMilliseconds, using: &chance) / 20)
        }
    }

    private mutating func speak(_ habits: TurnHabits) {
        if let rounds = habits.rounds, spoken >= rounds {
            state = .done
            return
        }
        if habits.shuffled { nextClip = Int.random(in: lengths.indices, using: &chance) }
        state = .speaking(clip: takeClip(), frame: 0)
    }

    private mutating func finishClip() {
        spoken += 1
        heardAgent = false
        switch style {
        case .turns: state = .listening(since: now)
        case .once where spoken >= lengths.count(where: { $0 > 0 }): state = .done
        case .once, .endless, .quiet: state = .speaking(clip: takeClip(), frame: 0)
        }
    }

    /// The next clip that has a frame (at least one has), and moves on.
    private mutating func takeClip() -> Int {
        while lengths[nextClip] == 0 { nextClip = (nextClip + 1) % lengths.count }
        defer { nextClip = (nextClip + 1) % lengths.count }
        return nextClip
    }
}
