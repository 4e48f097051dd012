import Synchronization

/// Somebody waits, for a time at most; anybody may ring.
final class Doorbell: Sendable {
    private struct State {
        var rung = false
        var waiter: (id: Int, continuation: CheckedContinuation<Void, Never>)?
        var next = 0
    }
    private let state = Mutex(State())

    func ring() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.rung = true
                return nil
            }
            state.waiter = nil
            return waiter.continuation
        }
        waiter?.resume()
    }

    /// Returns at once when it has rung since the last wait. One waiter at a time.
    func wait(atMost time: Duration) async {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        var alarm: Task<Void, Never>?
        await withCheckedContinuation { continuation in
            let mayGo = state.withLock { state in
                guard !state.rung else {
                    state.rung = false
                    return true
                }
                state.waiter = (id, continuation)
                return false
            }
            guard !mayGo else { return continuation.resume() }
            // Not before somebody waits: it would wake nobody.
            alarm = Task {
                do { try await Task.sleep(for: time) } catch { return }
                self.giveUp(id)
            }
        }
        alarm?.cancel()
    }

    private func giveUp(_ id: Int) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter, waiter.id == id else { return nil }
            state.waiter = nil
            return waiter.continuation
        }
        waiter?.resume()
    }
}
