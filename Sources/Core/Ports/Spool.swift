import InterviewCore

/// Where journal records wait while the store is away: a bounded file of this process on a local disk.
///
/// It is a copy: the records are in memory, too, and go to the store from there. The file is for the process that dies
/// before the store is back; the next start on the same folder settles it.
package protocol JournalSpool: Sendable {
    /// Durable when it returns.
    func append(_ entries: [SpoolEntry]) async throws(SpoolError)
    /// Everything in it has reached the store.
    func clear() async throws(SpoolError)
    /// Spools that processes left behind which are gone: their locks are free, and they are held from now on.
    func adopt() async throws(SpoolError) -> [EarlierSpool]
    /// An adopted one has been settled.
    func discard(_ earlier: EarlierSpool) async throws(SpoolError)
    /// The end of the process; an empty file goes with it.
    func close() async
}

/// In the order in which they were written.
package enum SpoolEntry: Hashable, Sendable {
    case record(JournalRecord, holder: Ownership)
    case change(SessionID, holder: Ownership, SessionChange)

    package var session: SessionID {
        switch self {
        case .record(let record, _): record.session
        case .change(let id, _, _): id
        }
    }

    package var holder: Ownership {
        switch self {
        case .record(_, let holder), .change(_, let holder, _): holder
        }
    }
}

package struct EarlierSpool: Hashable, Sendable {
    /// The file's name, without its folder.
    package var name: String
    package var entries: [SpoolEntry]
    /// A torn or foreign line ended the reading, or stood between others.
    package var unreadableLines: Int

    package init(name: String, entries: [SpoolEntry], unreadableLines: Int) {
        self.name = name
        self.entries = entries
        self.unreadableLines = unreadableLines
    }
}

package enum SpoolError: Error, Hashable, Sendable {
    /// The file has its full size.
    case full
    /// The disk does not take it; the system's own name of the error.
    case disk(code: String)
}
