import Synchronization

/// What a store has seen since it was opened, for metrics (`voice_store_…`) and tests.
package struct PostgresStatistics: Sendable, Hashable {
    /// Connections that are up, of `connections`.
    package var connectionsUp = 0
    package var connections = 0
    package var connectionsBusy = 0
    /// Calls that no connection has taken up yet, callers of the group commit included.
    package var waitingCalls = 0

    /// Transactions asked for, and those that were not answered as wished, by SQLSTATE class or our own word.
    package var calls = 0
    package var failures: [String: Int] = [:]
    /// Transactions begun again after a deadlock or a serialization failure.
    package var retries = 0
    package var reconnects = 0
    /// Signals that came by LISTEN.
    package var signals = 0

    /// Group commits, and the operations in them.
    package var batches = 0
    package var operations = 0
    /// Journal records written; repeated ones are not counted again.
    package var records = 0
    /// Records refused because their writer does not own the session any more.
    package var fencedRecords = 0
    /// Records whose key exists with other content: a defect in whoever wrote them.
    package var conflicts = 0
    /// Records of fenced owners, written beside the conversation.
    package var lateRecords = 0
    /// Usage records whose response had been paid for under another key: kept, and not charged again.
    package var repeatedResponses = 0
    /// A change said another cost than the journal's usage records make; the journal's stands.
    package var costDifferences = 0
    /// Journal rows of a kind that this build does not know, left out when reading.
    package var unknownKinds = 0
}

final class PostgresTally: Sendable {
    private let statistics = Mutex(PostgresStatistics())

    var now: PostgresStatistics { statistics.withLock { $0 } }

    func count(_ change: (inout PostgresStatistics) -> Void) {
        statistics.withLock { change(&$0) }
    }

    func countFailure(_ code: String) {
        // Few: five-character codes are counted by their class.
        let name = code.utf8.count == 5 ? String(code.prefix(2)) : code
        statistics.withLock { $0.failures[name, default: 0] &+= 1 }
    }
}
