import InterviewCore
import Ports
import WireFormats

/// One operation of a group commit, as `voiced_commit_1` reads it.
struct CommitOperation: Encodable {
    struct Record: Encodable {
        var session: String
        /// Only in late records: those of a commit are all of its epoch.
        var epoch: Int64?
        var sequence: Int64
        var kind: String
        var body: String
        var response: String?
        var micros: Int64?

        init(_ record: JournalRecord, epoch: Int64? = nil) throws(StoreError) {
            session = record.session.text
            self.epoch = epoch
            sequence = record.sequence
            kind = record.entry.kind.rawValue
            do { body = try JournalBody.text(of: record.entry) } catch { throw .corrupt(code: error.code) }
            if case .usage(let usage) = record.entry {
                response = usage.response.storable
                micros = max(0, usage.micros)
            }
        }
    }

    var kind: String
    var owner: String
    var epoch: Int64
    var sessions: [String]
    var records: [Record]?
    var client: String?
    var active: Int64?
    var cost: Int64?
    var window: Int64?
    var sequence: Int64?
    var body: String?
    var reason: String?
    var detail: String?

    init(_ kind: String, _ sessions: [String], owner: InstanceID, epoch: Int64) {
        self.kind = kind
        self.sessions = sessions
        self.owner = owner.text.storable
        self.epoch = epoch
    }
}

extension LibPQStore {
    /// A session that does not exist is `.fenced` too: it is not the caller's.
    ///
    /// The row's cost is what the journal's usage records make. A `costMicros` that says otherwise is counted
    /// (`PostgresStatistics.costDifferences`), never written.
    package func update(
        _ id: SessionID, as holder: Ownership, _ change: SessionChange
    ) async throws(StoreError) {
        guard let owner = holder.owner else { throw .fenced }
        let make = { (kind: String) in CommitOperation(kind, [id.text], owner: owner, epoch: holder.epoch) }
        var operation: CommitOperation
        var records = 0
        switch change {
        case .disconnected(let active):
            operation = make("disconnected")
            operation.active = active
        case .reconnected(let client):
            operation = make("reconnected")
            operation.client = client.storable
        case .released(let window, let active, let cost):
            operation = make("released")
            operation.window = window.storedWindow
            operation.active = active
            operation.cost = cost
        case .ended(let end, let sequence, let active, let cost):
            operation = make("ended")
            operation.active = active
            operation.cost = cost
            operation.sequence = sequence
            do { operation.body = try JournalBody.text(of: .end(end)) } catch { throw .corrupt(code: error.code) }
            operation.reason = end.reason.rawValue
            operation.detail = end.detail?.storable
            records = 1
        }
        do throws(StoreError) {
            try await commit(operation, records: records)
        } catch {
            guard error == .conflict, case .ended(let end, let sequence, _, _) = change else { throw error }
            let record = JournalRecord(session: id, epoch: holder.epoch, sequence: sequence, entry: .end(end))
            if try await isEnded(record) { return }
            tally.count { $0.conflicts &+= 1 }
            throw .conflict
        }
    }

    /// This very end has been written before, in another build's words.
    private func isEnded(_ record: JournalRecord) async throws(StoreError) -> Bool {
        guard try await missing(of: [record])?.isEmpty == true else { return false }
        return try await session(record.session)?.state == .ended
    }

    /// Through the group commit, counted.
    func commit(_ operation: CommitOperation, records: Int) async throws(StoreError) {
        let answer = try await commits.submit(try StoredText.json(operation))
        tally.count {
            $0.records &+= answer.records ?? 0
            $0.repeatedResponses &+= answer.repeated ?? 0
            if answer.differs == true { $0.costDifferences &+= 1 }
        }
        switch answer.result {
        case "ok": return
        case "fenced":
            tally.count { $0.fencedRecords &+= records }
            throw .fenced
        case "conflict": throw .conflict
        default: throw answer.unknown
        }
    }
}
