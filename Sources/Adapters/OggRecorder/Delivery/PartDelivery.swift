import DequeModule
import Glibc
import Logging
import Ports
import Synchronization

/// Brings closed parts into the object store, one after the other, and takes them off the disk when they are there. A
/// part that cannot be delivered stays where it is: nothing is ever lost by giving up.
///
/// Holds no file open and no thread while it waits; `put` blocks somewhere else.
final class PartDelivery: Sendable {
    private struct State {
        var waiting: Deque<PartName> = []
        /// Those that wait or are in hand, so that none is collected twice.
        var known: Set<PartName> = []
        /// Closed and not delivered: waiting, in hand, or left behind.
        var pending = 0
        var isWorking = false
        /// The present pause between two tries.
        var nap: Task<Void, Never>?
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private let folder: String
    private let objects: any ObjectStore
    private let limits: DeliveryLimits
    private let logger: Logger
    private let state = Mutex(State())

    init(folder: String, objects: any ObjectStore, limits: DeliveryLimits, logger: Logger) {
        self.folder = folder
        self.objects = objects
        self.limits = limits
        self.logger = logger
    }

    var pending: Int { state.withLock { $0.pending } }

    /// Nobody writes the part any more. Any thread.
    func closed(_ part: PartName) {
        let begins = state.withLock { state in
            guard state.known.insert(part).inserted else { return false }
            state.pending += 1
            guard state.waiting.count < DeliveryLimits.mostWaiting else { return false }
            state.waiting.append(part)
            defer { state.isWorking = true }
            return !state.isWorking
        }
        if begins { Task.detached(priority: .utility) { await self.work() } }
    }

    /// What an earlier process left: parts that no living process holds open.
    func collectLeftovers() { collect(PartFolder.parts(in: folder)) }

    /// The same of one session, which somebody takes over or has given up for lost.
    func collectLeftovers(of session: String) {
        collect(PartFolder.parts(in: "\(folder)/\(session)", session: session))
    }

    private func collect(_ found: [PartName]) {
        let parts = found.filter { PartFile.isLeftBehind("\(folder)/\($0.path)") }
        if !parts.isEmpty {
            logger.notice("recording parts of an earlier process", metadata: ["parts": "\(parts.count)"])
        }
        for part in parts { closed(part) }
    }

    /// Returns when nothing waits any more, or after `patience`. A pause between two tries is cut short.
    func settle(within patience: Duration) async {
        let nap = state.withLock { $0.nap }
        nap?.cancel()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let number: Int? = state.withLock { state in
                guard state.isWorking else { return nil }
                state.nextWaiter += 1
                state.waiters[state.nextWaiter] = continuation
                return state.nextWaiter
            }
            guard let number else { return continuation.resume() }
            Task { [self] in
                try? await Task.sleep(for: patience)
                let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
                waiter?.resume()
            }
        }
    }

    private func wakeWaiters() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    private func work() async {
        let clock = ContinuousClock()
        var failures = 0
        var failingSince: ContinuousClock.Instant?
        while let part = next() {
            do throws(ObjectStoreError) {
                try await deliver(part)
                if failures > 0 { logger.notice("object store takes recording parts again") }
                failures = 0
                failingSince = nil
            } catch {
                switch error {
                case .unavailable(let code):
                    failures += 1
                    let since = failingSince ?? clock.now
                    failingSince = since
                    if failures == 1 {
                        logger.warning("object store does not take a recording part", metadata: ["code": "\(code)"])
                    }
                    if clock.now - since < limits.patience {
                        state.withLock { $0.waiting.prepend(part) }
                    } else {
                        leave(part, because: code)
                    }
                    await pause(limits.pause(after: failures))
                case .conflict: leave(part, because: "conflict")
                case .unreadable(let code): leave(part, because: code)
                }
            }
        }
        wakeWaiters()
    }

    private func next() -> PartName? {
        state.withLock { state in
            let part = state.waiting.popFirst()
            if part == nil { state.isWorking = false }
            return part
        }
    }

    private func deliver(_ part: PartName) async throws(ObjectStoreError) {
        guard let key = part.key else { throw .unreadable(code: "name") }
        let path = "\(folder)/\(part.path)"
        try await objects.put(file: path, as: key)
        unlink(path)
        // The folder of the session goes with its last part; another part in it keeps it.
        rmdir("\(folder)/\(part.session)")
        state.withLock { state in
            state.pending -= 1
            state.known.remove(part)
        }
    }

    private func leave(_ part: PartName, because code: String) {
        logger.error(
            "recording part stays in the recordings folder",
            metadata: ["session": "\(part.session)", "part": "\(part.file)", "code": "\(code)"])
    }

    private func pause(_ time: Duration) async {
        let nap = Task<Void, Never> { try? await Task.sleep(for: time) }
        state.withLock { $0.nap = nap }
        await nap.value
        state.withLock { $0.nap = nil }
    }
}
