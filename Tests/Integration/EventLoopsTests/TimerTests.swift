import EventLoops
import Glibc
import Ports
import Synchronization
import Testing

@Suite struct TimerTests {
    @Test("timers fire in the order of their deadlines, never before them, on the loop")
    func order() async throws {
        try await withLoop { loop in
            let log = Log()
            await withCheckedContinuation { continuation in
                loop.post {
                    let start = loop.now
                    for milliseconds in [30, 10, 20, 10] {
                        let deadline = start + .milliseconds(milliseconds)
                        _ = loop.schedule(at: deadline) {
                            log.note(milliseconds, loop.isCurrent && loop.now >= deadline)
                        }
                    }
                    _ = loop.schedule(at: start + .milliseconds(40)) { continuation.resume() }
                }
            }
            #expect(log.numbers == [10, 10, 20, 30])
            #expect(log.allGood)
        }
    }

    @Test("a deadline in the past fires at once, a cancelled timer never, not even in its own batch")
    func cancelling() async throws {
        try await withLoop { loop in
            let log = Log()
            await withCheckedContinuation { continuation in
                loop.post {
                    let victim = Mutex<LoopTimer?>(nil)
                    let past = loop.now - .seconds(1)
                    _ = loop.schedule(at: past) {
                        log.note(1, true)
                        if let timer = victim.withLock({ $0 }) { loop.cancel(timer) }
                    }
                    let second = loop.schedule(at: past) { log.note(2, false) }
                    victim.withLock { $0 = second }
                    let third = loop.schedule(at: loop.now + .milliseconds(5)) { log.note(3, false) }
                    loop.cancel(third)
                    loop.cancel(third)
                    loop.cancel(LoopTimer(id: 999_999))
                    _ = loop.schedule(at: loop.now + .milliseconds(15)) { continuation.resume() }
                }
            }
            #expect(log.numbers == [1])
        }
    }

    @Test("ten thousand cancelled timers leave the last one standing")
    func manyCancelled() async throws {
        try await withLoop { loop in
            await withCheckedContinuation { continuation in
                loop.post {
                    for _ in 0..<10_000 { loop.cancel(loop.schedule(at: loop.now + .seconds(3_600)) {}) }
                    _ = loop.schedule(at: loop.now + .milliseconds(1)) { continuation.resume() }
                }
            }
        }
    }

    @Test("a deadline beyond all clocks is kept and not fired")
    func farAway() async throws {
        try await withLoop { loop in
            let log = Log()
            await withCheckedContinuation { continuation in
                loop.post {
                    _ = loop.schedule(at: .seconds(Int64.max)) { log.note(1, false) }
                    _ = loop.schedule(at: loop.now + .milliseconds(1)) { continuation.resume() }
                }
            }
            #expect(log.numbers.isEmpty)
        }
    }

    @Test("a blocked loop knows afterwards how late it was")
    func lag() async throws {
        try await withLoop { loop in
            // Longer than a heartbeat: whenever it falls, the next pulse is at least 150 ms late.
            await loop.run { _ = usleep(250_000) }
            await withCheckedContinuation { continuation in
                loop.post { _ = loop.schedule(at: loop.now + .milliseconds(120)) { continuation.resume() } }
            }
            let lag = loop.lagQuantiles()
            #expect(lag.samples > 0)
            #expect(lag.worst >= .milliseconds(100))
            #expect(lag.p99 <= lag.worst && lag.median <= lag.p99)
        }
    }

    @Test("a loop that is stuck shows by its last turn")
    func stuck() async throws {
        try await withLoop { loop in
            let entered = AsyncStream<Void>.makeStream()
            let release = Mutex(false)
            loop.post {
                entered.continuation.yield()
                while !release.withLock({ $0 }) { usleep(1_000) }
            }
            for await _ in entered.stream { break }
            let first = loop.lagQuantiles().sinceLastTurn
            try await Task.sleep(for: .milliseconds(20))
            #expect(loop.lagQuantiles().sinceLastTurn >= first + .milliseconds(20))
            release.withLock { $0 = true }
        }
    }

    @Test("a descriptor is watched until its watch is cancelled, from within its own action")
    func watch() async throws {
        try await withLoop { loop in
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            let (reading, writing) = (ends[0], ends[1])
            let log = Log()
            await withCheckedContinuation { continuation in
                loop.post {
                    let held = Mutex<LoopWatch?>(nil)
                    let watch = loop.watch(descriptor: reading, readable: true, writable: false) {
                        log.note(1, loop.isCurrent)
                        // Not read: level-triggered, so only cancelling ends it.
                        if log.numbers.count == 3, let watch = held.withLock({ $0 }) {
                            loop.cancel(watch)
                            _ = loop.schedule(at: loop.now + .milliseconds(5)) { continuation.resume() }
                        }
                    }
                    held.withLock { $0 = watch }
                    _ = write(writing, "x", 1)
                }
            }
            #expect(log.numbers == [1, 1, 1])
            #expect(log.allGood)
            close(reading)
            close(writing)
        }
    }
}

final class Log: Sendable {
    private let entries = Mutex<[(Int, Bool)]>([])

    func note(_ number: Int, _ good: Bool) { entries.withLock { $0.append((number, good)) } }
    var numbers: [Int] { entries.withLock { $0.map(\.0) } }
    var allGood: Bool { entries.withLock { $0.allSatisfy(\.1) } }
}
