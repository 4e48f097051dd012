import DequeModule
import InterviewCore
import Ports

/// The records of one session on their way to the store: numbered when they come in, committed in order, never in
/// two transactions at a time.
struct JournalQueue {
    /// About two hours of talk. Past it the oldest notes would be lost, so the session ends with an error instead.
    static let mostWaiting = 10_000
    static let mostPerCommit = 256

    let session: SessionID
    private(set) var holder: Ownership
    private(set) var nextSequence: Int64
    private var waiting: Deque<JournalRecord> = []
    private(set) var isCommitting = false
    /// The oldest of those that wait that have a durable copy in the spool.
    private(set) var spooled = 0

    init(session: SessionID, holder: Ownership, nextSequence: Int64 = 0) {
        self.session = session
        self.holder = holder
        self.nextSequence = nextSequence
    }

    var count: Int { waiting.count }
    var isFull: Bool { waiting.count >= Self.mostWaiting }

    mutating func append(_ entry: JournalEntry) {
        waiting.append(
            JournalRecord(session: session, epoch: holder.epoch, sequence: nextSequence, entry: entry))
        nextSequence += 1
    }

    /// The sequence number for an end that is written with the row itself.
    mutating func takeSequence() -> Int64 {
        defer { nextSequence += 1 }
        return nextSequence
    }

    /// Nil while a commit runs or nothing waits.
    mutating func beginCommit() -> [JournalRecord]? {
        guard !isCommitting, !waiting.isEmpty else { return nil }
        isCommitting = true
        return Array(waiting.prefix(Self.mostPerCommit))
    }

    mutating func committed(_ count: Int) {
        isCommitting = false
        waiting.removeFirst(min(count, waiting.count))
        spooled = max(0, spooled - count)
    }

    mutating func commitFailed() { isCommitting = false }

    /// Those without a copy in the spool yet; they count as copied from now on.
    mutating func takeUnspooled() -> [JournalRecord] {
        defer { spooled = waiting.count }
        return Array(waiting.dropFirst(spooled))
    }

    /// Gives up all that wait: somebody else carries them from here, or nobody may write them any more.
    mutating func takeAll() -> [JournalRecord] {
        defer {
            waiting.removeAll()
            spooled = 0
        }
        return Array(waiting)
    }
}
