import Synchronization

/// What a store has seen since it was opened, for metrics and tests.
package struct StoreStatistics: Sendable, Hashable {
    /// Transactions, each with an `fsync` when it wrote anything.
    package var commits = 0
    package var failedCommits = 0
    /// Journal records written; repeated ones are not counted again.
    package var records = 0
    /// Records refused because their writer does not own the session any more.
    package var fencedRecords = 0
    /// Records whose key exists with other content: a defect in whoever wrote them.
    package var conflicts = 0
    /// Records of fenced owners, written beside the conversation.
    package var lateRecords = 0
    /// Such records that were there already, in the conversation or beside it.
    package var lateRecordsKnown = 0
    /// Usage records whose response had been paid for under another key: kept, and not charged again.
    package var repeatedResponses = 0
    /// A change said another cost than the journal's usage records make; the journal's stands.
    package var costDifferences = 0
    /// Journal rows of a kind that this build does not know, left out when reading.
    package var unknownKinds = 0

    mutating func add(_ other: StoreStatistics) {
        commits &+= other.commits
        failedCommits &+= other.failedCommits
        records &+= other.records
        fencedRecords &+= other.fencedRecords
        conflicts &+= other.conflicts
        lateRecords &+= other.lateRecords
        lateRecordsKnown &+= other.lateRecordsKnown
        repeatedResponses &+= other.repeatedResponses
        costDifferences &+= other.costDifferences
        unknownKinds &+= other.unknownKinds
    }
}

final class StoreTally: Sendable {
    private let statistics = Mutex(StoreStatistics())

    var now: StoreStatistics { statistics.withLock { $0 } }

    func count(_ change: (inout StoreStatistics) -> Void) {
        statistics.withLock { change(&$0) }
    }
}
