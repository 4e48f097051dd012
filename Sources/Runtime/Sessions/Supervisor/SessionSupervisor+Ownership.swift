import InterviewCore
import Logging
import Ports

// MARK: - The lease
extension SessionSupervisor: LeaseKeeper {
    /// What `/health` says while others may take over from this process: it may not claim.
    static let leaseReason = "lease"
    /// What `/health` and a refusal say while records of an absent store have no room.
    static let spoolReason = "spool_full"

    func instanceReport(settled: Int64) -> InstanceReport {
        InstanceReport(
            active: sessions.count, capacity: settings.seats.capacity, draining: isDraining, settled: settled)
    }

    package nonisolated var leaseIsConfirmed: Bool { lease.isConfirmed }
    package nonisolated func doubtOwnership() { lease.doubt() }

    /// Somebody may have claimed, reaped or asked to close what is ours, or a row may name us for nobody: all rows that
    /// name this process, and those of all conversations in memory, in one look.
    func settleOwnership() async throws(StoreError) {
        _ = try await look()
    }

    @discardableResult
    private func look() async throws(StoreError) -> [(VoiceSession, SessionRecord)] {
        let rows = try await services.store.rows(of: settings.instance, and: Array(sessions.keys))
        var held: [(VoiceSession, SessionRecord)] = []
        for row in rows {
            if let entry = sessions[row.id] {
                held.append((entry.session, row))
                // Not waited for: a session whose loop is stuck must not hold up the others.
                Task { await entry.session.settle(against: row) }
            } else if row.ownership.owner == settings.instance, row.state == .active, arriving[row.id] == nil,
                !services.spool.holdsEnd(of: row.id)
            {
                try await releaseStray(row)
            }
        }
        return held
    }

    /// It names us, and we do not run it: a claim whose answer was lost, or what a restart of ours has left.
    private func releaseStray(_ row: SessionRecord) async throws(StoreError) {
        let study = try await services.store.study(row.study)
        let rejoin = study.map { settings.limits(for: $0).rejoin } ?? settings.limits.rejoin
        do {
            try await services.store.update(
                row.id, as: row.ownership,
                .released(
                    rejoinWindow: rejoin, activeMilliseconds: row.activeMilliseconds, costMicros: row.costMicros))
            log.notice("a row without a conversation is released", metadata: ["session": "\(row.id)"])
        } catch .fenced {
            // Claimed or ended since it was read: settled by somebody else.
        }
    }
}

// MARK: - After a sleep
extension SessionSupervisor {
    /// A loop has not turned for a long time: the process or the machine has slept, and others may have taken over.
    /// - Returns: the conversations of that loop with their rows as they are now; nil when the store does not answer.
    package func lookAfterSleep(on loop: Int) async -> [(VoiceSession, SessionRecord)]? {
        let task: Task<[(VoiceSession, SessionRecord)]?, Never>
        if let waking {
            task = waking
        } else {
            task = Task {
                do throws(StoreError) {
                    try await lease.renewAfterSleep(for: self)
                    return try await self.look()
                } catch { return nil }
            }
            waking = task
        }
        let held = await task.value
        waking = nil
        return held?.filter { $0.0.loop.index == loop }
    }
}

// MARK: - Where others are
extension SessionSupervisor {
    /// At most so many instances are remembered; rows of dead ones go after an hour.
    private static let mostAddresses = 1_000

    /// Nil for a process that nobody knows any more.
    func address(of owner: InstanceID) async throws(StoreError) -> String? {
        if let known = addresses[owner] { return known }
        let instances = try await services.store.instances().suffix(Self.mostAddresses)
        addresses = Dictionary(instances.map { ($0.id, $0.mediaAddress) }, uniquingKeysWith: { $1 })
        return addresses[owner]
    }
}
