import ParticipantLoad
import Testing

@Suite("TalkPlan")
struct TalkPlanTests {
    private let habits = TurnHabits(
        thinkMilliseconds: 100...100, patienceMilliseconds: 1_000, rounds: 2, shuffled: false)

    @Test("once: every clip in order, then silence")
    func once() {
        var plan = TalkPlan(style: .once, lengths: [2, 0, 1], seed: 1)
        let frames = (0..<5).map { _ in plan.next(agentPlaying: false) }
        #expect(
            frames.map(\.source) == [
                .speech(clip: 0, frame: 0), .speech(clip: 0, frame: 1), .speech(clip: 2, frame: 0), .room(frame: 3),
                .room(frame: 4),
            ])
        #expect(frames.map(\.endsUtterance) == [false, true, true, false, false])
        #expect(plan.isDone)
    }

    @Test("turns: listens to the end, thinks, speaks, listens, and stops after its rounds")
    func turns() {
        var plan = TalkPlan(style: .turns(habits), lengths: [3], seed: 1)
        var spoken = 0
        func pass(_ frames: Int, playing: Bool) {
            for _ in 0..<frames {
                if case .speech = plan.next(agentPlaying: playing).source { spoken += 1 }
            }
        }
        pass(20, playing: true)
        #expect(spoken == 0)
        pass(10, playing: false)
        #expect(spoken == 0, "a pause inside an utterance is not its end")
        pass(5, playing: true)
        pass(30, playing: false)
        #expect(spoken == 3)
        pass(20, playing: true)
        pass(30, playing: false)
        #expect(spoken == 6)
        pass(20, playing: true)
        pass(100, playing: false)
        #expect(spoken == 6)
        #expect(plan.isDone)
        #expect(plan.unanswered == 0)
    }

    @Test("an agent that says nothing is spoken to again, and that is counted")
    func patience() {
        var plan = TalkPlan(style: .turns(habits), lengths: [3], seed: 1)
        for _ in 0..<200 { _ = plan.next(agentPlaying: false) }
        #expect(plan.unanswered == 2)
        #expect(plan.isDone)
    }

    @Test("with barge-in every answer is interrupted while it plays")
    func bargesIn() {
        var habits = habits
        habits.bargeIn = 1
        var plan = TalkPlan(style: .turns(habits), lengths: [3], seed: 1)
        let frames = (0..<200).map { _ in plan.next(agentPlaying: true) }
        #expect(frames.contains { $0.source == .speech(clip: 0, frame: 0) })
    }

    @Test("muted frames have no source, and speech follows")
    func mutes() {
        var habits = habits
        habits.mute = 1
        var plan = TalkPlan(style: .turns(habits), lengths: [3], seed: 1)
        for _ in 0..<5 { _ = plan.next(agentPlaying: true) }
        let frames = (0..<400).map { _ in plan.next(agentPlaying: false) }
        #expect((100...300).contains(frames.count { $0.source == nil }))
        #expect(frames.contains { $0.source == .speech(clip: 0, frame: 0) })
    }

    @Test("the same seed behaves the same")
    func seeds() {
        func story(_ seed: UInt64) -> [FrameSource?] {
            var plan = TalkPlan(style: .turns(TurnHabits(bargeIn: 0.5)), lengths: [5, 9, 4], seed: seed)
            return (0..<3_000).map { plan.next(agentPlaying: $0 % 300 < 100).source }
        }
        #expect(story(3) == story(3))
        #expect(story(3) != story(4))
    }

    @Test("without anything to say there is silence", arguments: [TalkStyle.once, .endless, .quiet])
    func silent(style: TalkStyle) {
        var plan = TalkPlan(style: style, lengths: [0], seed: 1)
        let silent = plan.next(agentPlaying: false).source
        #expect(silent == .room(frame: 0))
    }
}
