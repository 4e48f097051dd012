import EventLoops
import Ports
import Synchronization
import Testing

@Suite struct TickingTests {
    @Test("each phase is due every 20 ms, in turn")
    func phases() {
        var clock = SlotClock(startingAt: 0)
        let slot = SlotClock.slotLength
        #expect(clock.advance(to: slot - 1) == [])
        #expect(clock.advance(to: slot) == [0])
        #expect(clock.advance(to: slot) == [])
        #expect(clock.advance(to: 2 * slot + 1) == [1])
        #expect(clock.advance(to: 4 * slot) == [2, 3])
        #expect(clock.advance(to: 5 * slot) == [0])
    }

    @Test("after a stall each phase comes once, and the phases keep their places")
    func stall() {
        var clock = SlotClock(startingAt: 0)
        let slot = SlotClock.slotLength
        #expect(clock.advance(to: slot) == [0])
        let afterStall = clock.advance(to: 1_001 * slot)
        #expect(afterStall.sorted() == [0, 1, 2, 3])
        // Slot 1,001 is phase (1,001 - 1) mod 4 = 0, so the next one is phase 1.
        #expect(afterStall.last == 0)
        #expect(clock.advance(to: 1_002 * slot) == [1])
    }

    @Test("tickers spread over the phases, and none ticks after it stopped, itself or by another one")
    func spread() async throws {
        try await withLoop { loop in
            let log = Log()
            await withCheckedContinuation { continuation in
                loop.post {
                    let tickers = (0..<8).map { Ticker(number: $0, loop: loop, log: log) }
                    for ticker in tickers {
                        ticker.all = tickers
                        loop.startTicking(ticker)
                        loop.startTicking(ticker)
                    }
                    tickers[0].whenDone = { continuation.resume() }
                }
            }
            // Eight tickers in four phases: two of each, in order; the first round shows them all.
            let first = log.numbers.prefix(8)
            #expect(first.sorted() == Array(0..<8))
            #expect(Array(first) == [0, 4, 1, 5, 2, 6, 3, 7])
            #expect(log.allGood)
        }
    }
}

/// Number 0 stops everybody at its third tick.
private final class Ticker: LoopTicker, @unchecked Sendable {
    let number: Int
    let loop: EventLoop
    let log: Log
    var all: [Ticker] = []
    var ticks = 0
    var isStopped = false
    var whenDone: (@Sendable () -> Void)?

    init(number: Int, loop: EventLoop, log: Log) {
        self.number = number
        self.loop = loop
        self.log = log
    }

    func tick(at now: Duration) {
        ticks += 1
        log.note(number, loop.isCurrent && !isStopped)
        guard number == 0, ticks == 3 else { return }
        for ticker in all {
            loop.stopTicking(ticker)
            loop.stopTicking(ticker)
            ticker.isStopped = true
            ticker.all = []
        }
        _ = loop.schedule(at: loop.now + .milliseconds(50)) { [whenDone] in whenDone?() }
    }
}
