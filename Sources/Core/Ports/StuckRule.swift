import InterviewCore

/// Which rows nobody runs as they should be run. Reapers settle such rows by themselves: what an operator sees here is
/// what they have not come to yet, or cannot.
package struct StuckRule: Sendable {
    /// Reapers come every few seconds; a row that is due for less than this is on its way.
    package static let grace: Duration = .seconds(10)

    private let leases: [InstanceID: Int64]
    private let now: StoreTime
    private let limits: @Sendable (StudyID) -> (hardLimit: Duration, rejoin: Duration)

    /// `now`: by the store's clock, as well as it is known here. `limits`: of a study.
    package init(
        instances: [InstanceRecord], now: StoreTime,
        limits: @escaping @Sendable (StudyID) -> (hardLimit: Duration, rejoin: Duration)
    ) {
        leases = Dictionary(instances.map { ($0.id, $0.leaseLeftMilliseconds) }, uniquingKeysWith: max)
        self.now = now
        self.limits = limits
    }

    /// Nil: all is well, or it has ended.
    package func judge(_ row: SessionRecord) -> StuckSession? {
        let found: (cause: StuckSession.Cause, since: StoreTime?)? =
            switch row.state {
            case .ended: nil
            case .scheduled: past(row.expiresAt).map { (.neverJoined, $0) }
            case .interrupted: row.rejoinUntil.flatMap(past).map { (.windowPast, $0) }
            case .active: active(row)
            }
        guard let found else { return nil }
        return StuckSession(
            id: row.id, study: row.study, state: row.state, cause: found.cause, owner: row.ownership.owner?.text,
            epoch: row.ownership.epoch,
            seconds: found.since.map { Int((now.milliseconds - $0.milliseconds) / 1_000) })
    }

    private func active(_ row: SessionRecord) -> (StuckSession.Cause, StoreTime?)? {
        guard let left = row.ownership.owner.flatMap({ leases[$0] }) else { return (.ownerLost, nil) }
        guard left > 0 else { return (.ownerLost, StoreTime(milliseconds: now.milliseconds + left)) }
        if let started = row.startedAt {
            let limit = limits(row.study)
            // Active time as of the last write is all that the row tells; interruptions count for nothing. Twice the hard
            // limit and the window leaves room for what is in order.
            let most = limit.hardLimit * 2 + limit.rejoin
            if let since = past(StoreTime(milliseconds: started.milliseconds + most.milliseconds)) {
                return (.overtime, since)
            }
        }
        return row.closeRequest == nil ? nil : (.closeUnheard, nil)
    }

    /// `moment`, when it and the grace behind it are past.
    private func past(_ moment: StoreTime) -> StoreTime? {
        now.milliseconds - moment.milliseconds > Self.grace.milliseconds ? moment : nil
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
