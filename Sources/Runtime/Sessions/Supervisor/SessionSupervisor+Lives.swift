import HeapModule
import InterviewCore
import Logging
import Ports

/// A session's life is looked at when it should long be over, and not before: what this costs grows with what is due.
struct LifeCheck: Comparable {
    let at: Duration
    let id: SessionID
    /// Not held: the entry outlasts most conversations by an hour, and would keep codecs and sound of each.
    private(set) weak var session: VoiceSession?

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
            guard let session = due.session, sessions[due.id]?.session === session else { continue }
            // Not waited for: a session whose loop is stuck must not hold up the others' checks.
            Task { await self.check(due.id, session) }
        }
    }

    private func check(_ id: SessionID, _ session: VoiceSession) async {
        guard let left = await session.lifeLeft() else { return }
        if left > .zero { return watchLife(of: id, session, in: left) }
        log.error("a session outlived its hard limit", metadata: ["session": "\(id)"])
        await session.endZombie()
    }
}

// MARK: - Restarts
extension SessionSupervisor {
    package func sessionFailed(_ id: SessionID, _ session: VoiceSession) -> RestartPolicy.OnFailed {
        restarts[id, default: RestartPolicy()].failed(at: now)
    }
}
