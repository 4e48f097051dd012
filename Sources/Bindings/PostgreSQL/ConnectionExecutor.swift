import Dispatch

/// Where one connection's blocking calls run: a serial queue of its own. Such queues get threads beyond the number of
/// cores, so waiting in `poll` takes no thread from Swift's pool nor from a loop, and a queue outlives every job that is
/// still on its way to it.
final class ConnectionExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "voiced.postgres")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
