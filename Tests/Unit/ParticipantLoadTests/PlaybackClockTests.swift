import InterviewCore
import ParticipantLoad
import Testing

@Suite("PlaybackClock")
struct PlaybackClockTests {
    private let frame: Duration = .milliseconds(20)

    private func playing(_ frames: Int, start: UInt32 = 0, at now: Duration = .zero) -> PlaybackClock {
        var clock = PlaybackClock()
        clock.itemBegan("a", startTimestamp: start)
        for index in 0..<frames {
            _ = clock.received(timestamp: start &+ UInt32(index) &* 960, length: frame, at: now)
        }
        return clock
    }

    @Test("reports come every 200 ms and once when the item has played out")
    func reports() {
        var clock = playing(25)
        var reports: [PlaybackClock.Played] = []
        for step in 0...40 { reports += clock.advanced(to: .milliseconds(step * 20)) }
        #expect(reports.map(\.milliseconds) == [200, 400, 500])
        #expect(!clock.isPlaying)
    }

    @Test("a flush tells what was heard and forgets the rest")
    func flushes() {
        var clock = playing(50, start: UInt32.max - 10_000)
        _ = clock.advanced(to: .milliseconds(140))
        #expect(clock.flushed("a", at: .milliseconds(160)) == .init(item: "a", milliseconds: 120))
        #expect(!clock.isPlaying)
        #expect(clock.flushed("a", at: .milliseconds(160)) == nil)
    }

    @Test("two items play one after the other, each reported when it has played out")
    func queue() {
        var clock = playing(5)
        clock.itemBegan("b", startTimestamp: 9_000)
        for index in 0..<5 { _ = clock.received(timestamp: 9_000 + UInt32(index) * 960, length: frame, at: .zero) }
        var reports: [PlaybackClock.Played] = []
        for step in 0...20 { reports += clock.advanced(to: .milliseconds(step * 20)) }
        #expect(reports == [.init(item: "a", milliseconds: 100), .init(item: "b", milliseconds: 100)])
    }

    @Test("an item that runs dry and goes on is an underrun; one that a rejoin continues is not")
    func underruns() {
        var clock = playing(2)
        _ = clock.advanced(to: .milliseconds(200))
        _ = clock.received(timestamp: 2 * 960, length: frame, at: .milliseconds(200))
        #expect(clock.underruns == 1)
        _ = clock.advanced(to: .milliseconds(400))
        #expect(clock.resume?.playedMilliseconds == 60)
        // On the new connection's clock the item began 60 ms before its first frame.
        clock.itemBegan("a", startTimestamp: 5_000 &- 2_880)
        #expect(clock.received(timestamp: 5_000, length: frame, at: .milliseconds(400)) == .milliseconds(60))
        #expect(clock.underruns == 1)
        _ = clock.advanced(to: .milliseconds(600))
        #expect(clock.resume?.playedMilliseconds == 80)
    }

    @Test("frames before any item have no place")
    func orphans() {
        var clock = PlaybackClock()
        #expect(clock.received(timestamp: 1, length: frame, at: .zero) == nil)
        #expect(clock.advanced(to: .seconds(1)).isEmpty)
    }
}
