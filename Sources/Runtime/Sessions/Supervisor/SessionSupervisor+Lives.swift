import HeapModule
import InterviewCore
import Logging
import Ports

/// A session's life is looked at when it should long be over, and not before: what this costs grows with what is due.
struct LifeCheck: Comparable {
    let at: Duration
    let id: SessionID
    let session: VoiceSession

    static func < (one: LifeCheck, other: LifeCheck) -> Bool { one.at < other.at }
    static func == (one: LifeCheck, other: LifeCheck) -> Bool { one.at == other.at && one.id == other.id }
}

// MARK: - Zombies
extension SessionSupervisor {
    /// A session ends itself at its hard limit; one that has not by so much more active time is ended from outside.
    package static let zombieAfter: Duration = .seconds(300)

    func watchLife(of id: SessionID, _ session: VoiceSession, in time: Duration) {
        lives.insert(LifeCheck(at: now + time + Self.zombieAfter, id: id, session: session))
    }

    /// Asks each session whose time is up how much it has left: a participant's absence does not count.
    package func checkLives(at now: Duration) {
        restarts = restarts.filter { !$0.value.isForgotten(at: now) }
        while let due = lives.min, due.at <= now {
            lives.removeMin()
            guard let entry = sessions[due.id], entry.session === due.session else { continue }
            // Not waited for: a session whose loop is stuck must not hold up the others' checks.
            Task { await self.check(due) }
        }
    }

    private func check(_ due: LifeCheck) async {
        guard let left = await due.session.lifeLeft() else { return }
        if left > .zero { return watchLife(of: due.id, due.session, in: left) }
        log.error("a session outlived its hard limit", metadata: ["session": "\(due.id)"])
        await due.session.endZombie()
    }
}

// MARK: - Restarts
extension SessionSupervisor {
    package func sessionFailed(_ id: SessionID, _ session: VoiceSession) -> RestartPolicy.OnFailed {
        restarts[id, default: RestartPolicy()].failed(at: now)
    }
}
