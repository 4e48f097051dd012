import EventLoops
import Ports
import Synchronization

/// The connections that one loop keeps ready for sessions: connected, greeted, not configured, which costs nothing at
/// the vendor. A socket belongs to the libwebsockets context of its loop and cannot move to another, so each loop has a
/// pool of its own and a session takes from the one of its own loop. `WarmPlan` decides; this opens and closes.
///
/// `@unchecked Sendable`: used on `loop` only.
final class WarmPool: @unchecked Sendable {
    /// How often the plan is looked at.
    private static let lookEvery: Duration = .seconds(1)
    /// A ping's answer.
    private static let pongWithin: Duration = .seconds(5)
    /// A connection taken is replaced so much later: its session comes first.
    private static let refillAfter: Duration = .milliseconds(200)
    /// Up to this share earlier than the age allows, so that not all are replaced together.
    private static let ageJitter = 0.1

    private let loop: EventLoop
    private let maxAge: Duration
    private let counters: OpenAIRealtimeCounters
    private let make: @Sendable () -> OpenAIRealtimeConnection
    private var plan: WarmPlan
    private var connections: [Int: OpenAIRealtimeConnection] = [:]
    private var timer: LoopTimer?
    private var isStarted = false

    init(
        loop: EventLoop, share: Int, maxAge: Duration, counters: OpenAIRealtimeCounters,
        make: @escaping @Sendable () -> OpenAIRealtimeConnection
    ) {
        self.loop = loop
        self.maxAge = maxAge
        self.counters = counters
        self.make = make
        plan = WarmPlan(share: share)
    }

    func start() {
        guard !isStarted else { return }
        isStarted = true
        look()
    }

    /// Closes what nobody has; for good.
    func close() {
        if let timer { loop.cancel(timer) }
        timer = nil
        for number in plan.close() { connections.removeValue(forKey: number)?.close() }
        noteReady()
    }

    /// Nil: none is ready.
    func take() -> OpenAIRealtimeConnection? {
        guard isStarted, let number = plan.take(at: loop.now), let taken = connections.removeValue(forKey: number)
        else { return nil }
        counters.prewarmTaken()
        noteReady()
        look(after: Self.refillAfter)
        return taken
    }

    // MARK: Connections tell

    func opened(_ connection: OpenAIRealtimeConnection) {
        guard let number = number(of: connection) else { return connection.close() }
        plan.opened(number, lifetime: maxAge * .random(in: (1 - Self.ageJitter)...1), at: loop.now)
        noteReady()
    }

    func died(_ connection: OpenAIRealtimeConnection) {
        guard let number = number(of: connection) else { return }
        connections[number] = nil
        plan.died(number, at: loop.now)
        counters.prewarmFailed()
        noteReady()
    }

    private func number(of connection: OpenAIRealtimeConnection) -> Int? {
        connections.first { $0.value === connection }?.key
    }

    // MARK: Time

    private func look() {
        for step in plan.looked(at: loop.now) {
            switch step {
            case .open(let number):
                let connection = make()
                connections[number] = connection
                connection.warmUp(for: self)
            case .ping(let number): connections[number]?.ping(within: Self.pongWithin)
            case .close(let number):
                connections.removeValue(forKey: number)?.close()
                counters.prewarmAged()
            }
        }
        noteReady()
        look(after: Self.lookEvery)
    }

    private func look(after wait: Duration) {
        if let timer { loop.cancel(timer) }
        timer = loop.schedule(at: loop.now + wait) { [weak self] in
            self?.timer = nil
            self?.look()
        }
    }

    private var counted = 0
    private func noteReady() {
        counters.prewarmReady(by: plan.readyCount - counted)
        counted = plan.readyCount
    }
}

/// The pools of all loops of a process.
final class WarmPools: Sendable {
    private let pools: [(loop: EventLoop, pool: WarmPool)]
    private let isStopped = Atomic<Bool>(false)

    /// `size` spread over the loops, the first ones get the rest: never more in all.
    init(
        size: Int, maxAge: Duration, loops: [EventLoop], counters: OpenAIRealtimeCounters,
        make: @escaping @Sendable (Int) -> OpenAIRealtimeConnection
    ) {
        pools = loops.enumerated().map { index, loop in
            let share = size / loops.count + (index < size % loops.count ? 1 : 0)
            return (
                loop,
                WarmPool(loop: loop, share: share, maxAge: maxAge, counters: counters) { make(index) }
            )
        }
    }

    func start() {
        guard !isStopped.load(ordering: .acquiring) else { return }
        for (loop, pool) in pools { loop.post { pool.start() } }
    }

    func stop() {
        guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        for (loop, pool) in pools { loop.post { pool.close() } }
    }

    /// On that loop.
    func take(on index: Int) -> OpenAIRealtimeConnection? {
        guard pools.indices.contains(index) else { return nil }
        return pools[index].pool.take()
    }
}
