import InterviewCore
import Logging
import Ports
import Synchronization

/// What the lease asks of the supervisor.
protocol LeaseKeeper: AnyObject, Sendable {
    /// `settled`: as `Lease.settled`.
    func instanceReport(settled: Int64) async -> InstanceReport
    /// The look at all rows that name this process or that it holds, and what follows from it.
    func settleOwnership() async throws(StoreError)
    func noteStore(up: Bool) async
}

/// Keeps this process known to the others: one row, renewed every two seconds; and looks at this process' rows whenever
/// the answer, or anything else, says that somebody may have changed one.
///
/// One task runs it from `begin` to `end`. Whether the lease is confirmed may be asked from anywhere.
final class InstanceLease: Sendable {
    /// A store that is away is asked this often at least: the first one back must not be alone for long.
    static let longestPause: Duration = .seconds(3)
    private static let shortestPause: Duration = .milliseconds(250)

    private let id: InstanceID
    private let store: any Store
    private let times: LeaseTimes
    /// Counts the machine's sleep.
    private let clock: @Sendable () -> Duration
    private let log: Logger
    private let state: Mutex<Lease>
    private let registration = Mutex<NewInstance?>(nil)
    private let bell = Doorbell()
    private let tasks = Mutex<[Task<Void, Never>]>([])

    init(
        of id: InstanceID, store: any Store, times: LeaseTimes, clock: @escaping @Sendable () -> Duration, log: Logger
    ) {
        self.id = id
        self.store = store
        self.times = times
        self.clock = clock
        self.log = log
        state = Mutex(Lease(length: times.lease))
    }

    var isConfirmed: Bool { state.withLock { $0.isConfirmed(at: clock()) } }

    /// Rows of ours may be other than we believe: a look is due, now.
    func doubt() {
        state.withLock { $0.doubted() }
        bell.ring()
    }

    /// Makes this process known, then renews until `end`. A store that is away is asked again: until it has answered
    /// the lease is not confirmed.
    /// - Returns: false when it is away.
    func begin(as instance: NewInstance, for keeper: any LeaseKeeper) async -> Bool {
        registration.withLock { $0 = instance }
        var isKnown = false
        do {
            try await register()
            isKnown = true
        } catch {
            await keeper.noteStore(up: false)
            log.warning("the store does not answer; waiting for it", metadata: ["error": "\(error)"])
        }
        let signals = store.signals(for: id)
        let listening = Task { [bell] in for await _ in signals { bell.ring() } }
        let renewing = Task { [weak self, weak keeper] in
            var pause = self?.times.renewal ?? .zero
            while !Task.isCancelled {
                guard let bell = self?.bell else { return }
                await bell.wait(atMost: pause)
                guard !Task.isCancelled, let self, let keeper else { return }
                pause = await self.renewed(by: keeper, after: pause)
            }
        }
        tasks.withLock { $0 = [listening, renewing] }
        return isKnown
    }

    /// An orderly end: others need not wait for the lease to pass.
    func end() async {
        let running = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in running { task.cancel() }
        bell.ring()
        do { try await store.retire(id) } catch {
            log.notice("lease not given back", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Renewal

    private func register() async throws(StoreError) {
        guard let instance = registration.withLock({ $0 }) else { return }
        let sentAt = clock()
        let answer = try await store.register(instance)
        state.withLock { $0.renewed(sentAt: sentAt, changed: answer.changed, hadLapsed: answer.hadLapsed) }
    }

    /// - Returns: how long to wait for the next one.
    private func renewed(by keeper: any LeaseKeeper, after pause: Duration) async -> Duration {
        do {
            try await renew(keeper)
            try await look(keeper)
            await keeper.noteStore(up: true)
            return times.renewal
        } catch {
            await keeper.noteStore(up: false)
            log.warning("lease not renewed", metadata: ["error": "\(error)"])
            return min(max(Self.shortestPause, pause == times.renewal ? .zero : pause * 2), Self.longestPause)
        }
    }

    /// One renewal, and a new row when ours is gone.
    private func renew(_ keeper: any LeaseKeeper) async throws(StoreError) {
        let report = await keeper.instanceReport(settled: state.withLock { $0.settled })
        let sentAt = clock()
        do {
            let answer = try await store.renew(id, report)
            state.withLock { $0.renewed(sentAt: sentAt, changed: answer.changed, hadLapsed: answer.hadLapsed) }
        } catch .notFound {
            try await register()
            state.withLock { $0.doubted() }
        }
    }

    /// Due until one has succeeded.
    private func look(_ keeper: any LeaseKeeper) async throws(StoreError) {
        guard let look = state.withLock({ $0.dueLook() }) else { return }
        try await keeper.settleOwnership()
        state.withLock { $0.looked(look) }
    }

    /// After a sleep: at once, whatever the counter says. The look that follows is the caller's; this one's own stays due
    /// and repeats it, which harms nobody.
    func renewAfterSleep(for keeper: any LeaseKeeper) async throws(StoreError) {
        state.withLock { $0.doubted() }
        bell.ring()
        try await renew(keeper)
    }
}
