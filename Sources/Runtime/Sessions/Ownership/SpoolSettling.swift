import InterviewCore
import Logging
import Ports
import Synchronization

/// What a session leaves behind that the store has not taken yet.
struct Leftover: Sendable {
    var session: SessionID
    var holder: Ownership
    /// Under their own epoch, in order.
    var records: [JournalRecord]
    /// The row's last change; an end's own sequence follows the records'.
    var change: SessionChange?
    /// The store has said that another holds it: everything is late.
    var isFenced = false

    var endsSession: Bool { if case .ended = change { true } else { false } }

    /// As the spool keeps it.
    var entries: [SpoolEntry] {
        records.map { .record($0, holder: holder) } + (change.map { [.change(session, holder: holder, $0)] } ?? [])
    }

    /// As late records, the end included: what was reached while cut off is told, too.
    var lateRecords: [JournalRecord] {
        guard case .ended(let end, let sequence, _, _) = change else { return records }
        return records + [
            JournalRecord(session: session, epoch: holder.epoch, sequence: sequence, entry: .end(end))
        ]
    }
}

/// Carries records past an absent store: into the spool's file at once, to the store when it answers. Sessions that are
/// over leave their rest here and need not wait for anybody.
///
/// Mailbox
///   in: `keep` (a session whose commit failed), `committed` (its records have arrived after all), `leave` (the rest of
///       a session that is over), `settleEarlier` (at start).
package actor SpoolSettling {
    private let spool: any JournalSpool
    private let store: any Store
    private let metrics: MetricsRegistry
    private let log: Logger
    private var leftovers: [Leftover] = []
    /// Spools of dead processes that are not settled yet.
    private var adopted: [EarlierSpool] = []
    /// Sessions with copies in the file that are still on their way.
    private var waiting: Set<SessionID> = []
    private var fileIsEmpty = true
    /// Something is in the file only: it is for the next start.
    private var fileHoldsMore = false
    private var settling: Task<Void, Never>?
    private let bell = Doorbell()
    private let shown = Mutex(Shown())

    /// What others ask without waiting.
    private struct Shown {
        var isFull = false
        var ends: [SessionID: Int] = [:]
        var count = 0
    }

    /// Rests of sessions together, beyond which the oldest are in the file only, for the next start.
    static let mostLeftovers = 10_000
    static let mostPerCommit = 256

    package init(spool: any JournalSpool, store: any Store, metrics: MetricsRegistry, log: Logger) {
        self.spool = spool
        self.store = store
        self.metrics = metrics
        self.log = log
    }

    /// The file has its full size or the disk does not take it: nobody new is admitted.
    nonisolated var isFull: Bool { shown.withLock { $0.isFull } }

    /// The end of this session waits here: its row counts as held, or its owner would release it as a stray.
    nonisolated func holdsEnd(of id: SessionID) -> Bool { shown.withLock { $0.ends[id] != nil } }

    /// Sessions whose rest is not in the store yet.
    nonisolated var unsettled: Int { shown.withLock { $0.count } }

    // MARK: A session that goes on

    /// Durable copies of records that the store did not take; they stay the session's to commit.
    /// - Returns: false when they could not be kept.
    func keep(_ records: [JournalRecord], as holder: Ownership) async -> Bool {
        guard let id = records.first?.session else { return true }
        waiting.insert(id)
        return await write(records.map { .record($0, holder: holder) })
    }

    /// Everything of this session that was kept is in the store.
    func committed(_ id: SessionID) async {
        waiting.remove(id)
        await clearWhenSettled()
    }

    private func write(_ entries: [SpoolEntry]) async -> Bool {
        fileIsEmpty = false
        do {
            try await spool.append(entries)
            return true
        } catch {
            let first = shown.withLock { shown in
                defer { shown.isFull = true }
                return !shown.isFull
            }
            metrics.set(Metric.spoolFull, to: 1)
            if first { log.error("the spool takes nothing more; calls go on", metadata: ["error": "\(error)"]) }
            return false
        }
    }

    private func clearWhenSettled() async {
        guard !fileIsEmpty, !fileHoldsMore, waiting.isEmpty, leftovers.isEmpty else { return }
        fileIsEmpty = true
        do {
            try await spool.clear()
            shown.withLock { $0.isFull = false }
            metrics.set(Metric.spoolFull, to: 0)
        } catch {
            fileIsEmpty = false
            log.warning("the spool was not cleared", metadata: ["error": "\(error)"])
        }
    }

    // MARK: A session that is over

    /// Takes over whatever is left of a session. Returns when it is durable, here or in the store.
    func leave(_ leftover: Leftover) async {
        guard !leftover.records.isEmpty || leftover.change != nil else { return await committed(leftover.session) }
        note(leftover, by: 1)
        // The store first: it answers most of the time.
        if await settle(leftover) == nil {
            note(leftover, by: -1)
            return await committed(leftover.session)
        }
        _ = await write(leftover.entries)
        waiting.remove(leftover.session)
        if leftovers.count == Self.mostLeftovers {
            note(leftovers.removeFirst(), by: -1)
            fileHoldsMore = true
        }
        leftovers.append(leftover)
        settleUntilDone()
    }

    private func note(_ leftover: Leftover, by step: Int) {
        let (records, session) = (leftover.records.count, leftover.session)
        let count = shown.withLock { shown in
            shown.count += step
            if leftover.endsSession {
                let ends = (shown.ends[session] ?? 0) + step
                shown.ends[session] = ends > 0 ? ends : nil
            }
            return shown.count
        }
        metrics.add(Metric.journalWaiting, by: Double(records * step))
        metrics.set(Metric.unsettled, to: Double(count))
    }

    /// The store has answered somebody: try again now.
    nonisolated func storeAnswers() { bell.ring() }

    private func settleUntilDone() {
        guard settling == nil else { return }
        settling = Task {
            var pause: Duration = .milliseconds(500)
            while !leftovers.isEmpty, !Task.isCancelled {
                if await self.settleOnce() {
                    pause = .milliseconds(500)
                } else {
                    await bell.wait(atMost: pause)
                    pause = min(pause * 2, InstanceLease.longestPause)
                }
            }
            settling = nil
            await clearWhenSettled()
        }
    }

    /// - Returns: true when the first one has been settled.
    private func settleOnce() async -> Bool {
        guard let first = leftovers.first else { return true }
        if let rest = await settle(first) {
            if !leftovers.isEmpty { leftovers[0] = rest }
            return false
        }
        leftovers.removeFirst()
        note(first, by: -1)
        return true
    }

    /// Under its own (owner, epoch), as long as the row names those; else as late records.
    /// - Returns: what has to be tried again; nil: nothing.
    private func settle(_ leftover: Leftover) async -> Leftover? {
        var rest = leftover
        do {
            if !rest.isFenced {
                do {
                    for start in stride(from: 0, to: rest.records.count, by: Self.mostPerCommit) {
                        let end = min(start + Self.mostPerCommit, rest.records.count)
                        try await store.append(Array(rest.records[start..<end]), as: rest.holder)
                    }
                    if let change = rest.change { try await store.update(rest.session, as: rest.holder, change) }
                    return nil
                } catch .fenced {
                    rest.isFenced = true
                }
            }
            let late = rest.lateRecords
            guard !late.isEmpty else { return nil }
            log.notice(
                "records of a former owner are kept as late",
                metadata: ["session": "\(rest.session)", "records": "\(late.count)"])
            metrics.add(Metric.journalFenced, by: Double(late.count))
            for start in stride(from: 0, to: late.count, by: Self.mostPerCommit) {
                let end = min(start + Self.mostPerCommit, late.count)
                try await store.appendLate(Array(late[start..<end]), as: rest.holder)
            }
            return nil
        } catch .unavailable {
            return rest
        } catch {
            // A defect of ours: told and counted, never repeated for ever.
            log.error(
                "the rest of a session was refused", metadata: ["session": "\(rest.session)", "error": "\(error)"])
            metrics.add(Metric.journalRefused, by: Double(rest.records.count))
            return nil
        }
    }

    // MARK: Start and end

    /// Settles what processes left behind that died while the store was away.
    /// - Returns: false when the store has gone again meanwhile: what is left stays adopted, and is settled by another call.
    func settleEarlier() async -> Bool {
        do { adopted += try await spool.adopt() } catch {
            log.error("spools of earlier processes cannot be read", metadata: ["error": "\(error)"])
            return true
        }
        while let file = adopted.first {
            let rests = Self.leftovers(of: file.entries)
            log.notice(
                "settling the spool of an earlier process",
                metadata: [
                    "sessions": "\(rests.count)", "entries": "\(file.entries.count)",
                    "unreadable": "\(file.unreadableLines)",
                ])
            var isSettled = true
            for rest in rests where await settle(rest) != nil { isSettled = false }
            // Kept under its own name until everything in it is in the store: the next start finds it again.
            guard isSettled else { return false }
            adopted.removeFirst()
            do { try await spool.discard(file) } catch {
                log.warning("a settled spool was not removed", metadata: ["error": "\(error)"])
            }
        }
        return true
    }

    /// By session and holder, in the order of the file.
    static func leftovers(of entries: [SpoolEntry]) -> [Leftover] {
        struct Key: Hashable {
            var session: SessionID
            var holder: Ownership
        }
        var order: [Key] = []
        var rests: [Key: Leftover] = [:]
        var seen: [Key: Set<Int64>] = [:]
        for entry in entries {
            let key = Key(session: entry.session, holder: entry.holder)
            if rests[key] == nil { order.append(key) }
            var rest = rests[key] ?? Leftover(session: key.session, holder: key.holder, records: [])
            switch entry {
            case .record(let record, _):
                if seen[key, default: []].insert(record.sequence).inserted { rest.records.append(record) }
            case .change(_, _, let change): rest.change = change
            }
            rests[key] = rest
        }
        return order.compactMap { rests[$0] }
    }

    /// What waits stays in the file.
    func close() async {
        settling?.cancel()
        bell.ring()
        await spool.close()
    }
}
