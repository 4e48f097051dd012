import Glibc

/// A few threads behind a bounded queue. Plain ones: blocking a Dispatch thread takes it from Swift's own pool.
@safe
final class ResolverThreads: @unchecked Sendable {
    static let shared = ResolverThreads()

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let ready = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [@Sendable () -> Void] = []
    private var busy = 0
    private var threads = 0

    private init() {
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe ready.initialize(to: pthread_cond_t())
        unsafe pthread_cond_init(ready, nil)
    }

    /// False: too many are waiting already, or there is no thread to be had.
    func run(_ work: @escaping @Sendable () -> Void) -> Bool {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        guard waiting.count + busy < HostResolver.Limits.waiting else { return false }
        if threads < HostResolver.Limits.threads, threads - busy <= waiting.count {
            if makeThread() { threads += 1 }
        }
        guard threads > 0 else { return false }
        waiting.append(work)
        unsafe pthread_cond_signal(ready)
        return true
    }

    private func makeThread() -> Bool {
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { _ in
                ResolverThreads.shared.work()
                return nil
            }, nil)
        if code == 0 { pthread_detach(thread) }
        return code == 0
    }

    private func work() {
        while true {
            unsafe pthread_mutex_lock(mutex)
            while waiting.isEmpty { unsafe pthread_cond_wait(ready, mutex) }
            let next = waiting.removeFirst()
            busy += 1
            unsafe pthread_mutex_unlock(mutex)
            next()
            unsafe pthread_mutex_lock(mutex)
            busy -= 1
            unsafe pthread_mutex_unlock(mutex)
        }
    }
}
