import CLibEv
import Dispatch
import Glibc

/// The thread of one loop. It exists from the loop's making, so that running out of threads is an error at the start
/// and not later, and waits until it is told to run.
final class LoopThread: @unchecked Sendable {
    private let gate = DispatchSemaphore(value: 0)
    /// Written before the gate opens, read after.
    private var body: (@Sendable () -> Void)?
    private var thread = pthread_t()

    init(name: String) throws(EventLoopError) {
        let box = unsafe Unmanaged.passRetained(self)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let thread = unsafe Unmanaged<LoopThread>.fromOpaque(argument).takeRetainedValue()
                thread.gate.wait()
                let body = thread.body
                thread.body = nil
                body?()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            unsafe box.release()
            throw .noThread(code)
        }
        unsafe voiced_thread_set_name(thread, name)
    }

    func run(_ body: @escaping @Sendable () -> Void) {
        self.body = body
        gate.signal()
    }

    /// For a thread that was never asked to run anything.
    func abandon() {
        gate.signal()
        pthread_detach(thread)
    }

    /// Returns when the thread has ended. Once only.
    func join() async {
        let thread = self.thread
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                pthread_join(thread, nil)
                continuation.resume()
            }
        }
    }
}
