import InterviewCore
import Logging
import Ports

/// A drain, from its first request to the last session's end.
enum DrainState: Equatable {
    case none
    case draining(deadline: Duration)
    /// Nobody waits any more; what is left is being written and closed.
    case forcing
}

extension SessionSupervisor {
    /// Refuses newcomers from now on and lets the conversations end by themselves; at the deadline what is left is
    /// force-closed, all in parallel. Returns when none is left. A second call changes nothing but an earlier
    /// deadline: drain by the admin socket, then SIGTERM, is one drain.
    package func drainAndWait(timeout: Duration?) async {
        beginDrain(timeout: timeout)
        while !sessions.isEmpty {
            guard case .draining(let deadline) = drainState, now < deadline else { break }
            await waitForProgress(until: deadline)
        }
        await forceCloseAll()
    }

    /// The second signal: no more waiting, but everything is still flushed.
    package func skipDrain() {
        guard drainState != .forcing else { return }
        drainState = .forcing
        log.notice("waiting is skipped", metadata: ["sessions": "\(sessions.count)"])
        drainProgressed()
    }

    package func beginDrain(timeout: Duration?) {
        let deadline = now + (timeout ?? settings.drainTimeout)
        switch drainState {
        case .none:
            drainState = .draining(deadline: deadline)
            log.notice(
                "draining",
                metadata: ["sessions": "\(sessions.count)", "timeout": "\(timeout ?? settings.drainTimeout)"])
            // Nobody new comes; whoever reopens a connection opens its own.
            services.provider.stopPrewarming()
            // Those without a participant have nothing to wait for here: they can be rejoined elsewhere at once.
            for entry in sessions.values { Task { await entry.session.releaseIfAlone() } }
        case .draining(let earlier): drainState = .draining(deadline: min(earlier, deadline))
        case .forcing: break
        }
        drainProgressed()
    }

    var isDraining: Bool { drainState != .none }

    func drainReport() -> DrainReport {
        let left: Duration
        switch drainState {
        case .none, .forcing: left = .zero
        case .draining(let deadline): left = max(.zero, deadline - now)
        }
        return DrainReport(
            draining: isDraining, sessionsRemaining: sessions.count,
            deadlineInMilliseconds: Int(left / .milliseconds(1)))
    }

    private func forceCloseAll() async {
        guard !sessions.isEmpty else { return }
        drainState = .forcing
        log.notice("closing what is left", metadata: ["sessions": "\(sessions.count)"])
        await withTaskGroup(of: Void.self) { group in
            for entry in sessions.values {
                group.addTask { await entry.session.forceClose() }
            }
        }
        // Each has told `sessionEnded` by now; what has not is not waited for twice.
        sessions.removeAll()
        drainProgressed()
    }

    /// Sleeps until a session ends, the drain is changed, or the deadline.
    private func waitForProgress(until deadline: Duration) async {
        let left = deadline - now
        let generation = drainGeneration
        let alarm = Task {
            do { try await Task.sleep(for: left) } catch { return }
            self.drainProgressed()
        }
        await withCheckedContinuation { continuation in
            if generation == drainGeneration { drainWaiters.append(continuation) } else { continuation.resume() }
        }
        alarm.cancel()
    }

    func drainProgressed() {
        if isDraining { services.metrics.set(Metric.drainRemaining, to: Double(sessions.count)) }
        drainGeneration += 1
        for waiter in drainWaiters { waiter.resume() }
        drainWaiters.removeAll()
    }
}
