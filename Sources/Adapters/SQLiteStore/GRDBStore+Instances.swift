import GRDB
import InterviewCore
import Ports

extension GRDBStore {
    package func register(_ instance: NewInstance) async throws(StoreError) -> LeaseAnswer {
        let times = options.leaseTimes
        return try await write { database, now in
            let instant = try LeaseClock.now()
            let values: StatementArguments = [
                instance.build, instance.mediaAddress, instance.mediaURL, instance.capacity, instance.id.text,
            ]
            if let row = try InstanceRow.find(instance.id, at: instant, in: database) {
                try database.cachedStatement(
                    sql: """
                        UPDATE instances SET build = ?, media_address = ?, media_url = ?, capacity = ? WHERE id = ?
                        """
                ).execute(arguments: values)
                return try Self.prolong(instance.id, row, at: instant, by: times, in: database)
            }
            try database.cachedStatement(
                sql: """
                    INSERT INTO instances(
                        build, media_address, media_url, capacity, id, started_at, boot_id, lease_until, renewed_at,
                        steady_since)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(
                arguments: values + [
                    now.milliseconds, instant.boot, instant.advanced(by: times.lease).milliseconds,
                    instant.milliseconds, instant.milliseconds,
                ])
            return LeaseAnswer(changed: 0, hadLapsed: false)
        }
    }

    package func renew(_ id: InstanceID, _ report: InstanceReport) async throws(StoreError) -> LeaseAnswer {
        let times = options.leaseTimes
        return try await write { database, _ in
            let instant = try LeaseClock.now()
            guard let row = try InstanceRow.find(id, at: instant, in: database) else { throw StoreError.notFound }
            try database.cachedStatement(
                sql: """
                    UPDATE instances SET active = ?, capacity = ?, draining = ?, settled = max(settled, ?) WHERE id = ?
                    """
            ).execute(arguments: [report.active, report.capacity, report.draining, report.settled, id.text])
            return try Self.prolong(id, row, at: instant, by: times, in: database)
        }
    }

    /// `row`: as it was before. A renewal that comes long after the one before begins a new steadiness.
    private static func prolong(
        _ id: InstanceID, _ row: InstanceRow, at instant: LeaseInstant, by times: LeaseTimes, in database: Database
    ) throws -> LeaseAnswer {
        let steadySince = row.isPunctual(at: instant, by: times) ? row.steadySince : instant.milliseconds
        try database.cachedStatement(
            sql: "UPDATE instances SET boot_id = ?, lease_until = ?, renewed_at = ?, steady_since = ? WHERE id = ?"
        ).execute(arguments: [
            instant.boot, instant.advanced(by: times.lease).milliseconds, instant.milliseconds, steadySince, id.text,
        ])
        return LeaseAnswer(changed: row.changed, hadLapsed: !row.isAlive(at: instant))
    }

    /// An unknown one has nothing left to retire.
    package func retire(_ id: InstanceID) async throws(StoreError) {
        try await write { database, _ in
            let instant = try LeaseClock.now()
            try database.cachedStatement(
                sql: "UPDATE instances SET lease_until = min(lease_until, ?) WHERE id = ? AND boot_id = ?"
            ).execute(arguments: [instant.milliseconds, id.text, instant.boot])
        }
    }

    package func instances() async throws(StoreError) -> [InstanceRecord] {
        try await read { database in
            let instant = try LeaseClock.now()
            return try Row.fetchAll(
                database, sql: "SELECT *, boot_id = ? AS here FROM instances ORDER BY started_at, id",
                arguments: [instant.boot]
            ).map { row in
                let until: Int64 = try row.decode(forColumn: "lease_until")
                return InstanceRecord(
                    id: InstanceID(try row.decode(forColumn: "id")), build: try row.decode(forColumn: "build"),
                    mediaAddress: try row.decode(forColumn: "media_address"),
                    mediaURL: try row.decode(forColumn: "media_url"), capacity: try row.decode(forColumn: "capacity"),
                    active: try row.decode(forColumn: "active"), draining: try row.decode(forColumn: "draining"),
                    startedAt: StoreTime(milliseconds: try row.decode(forColumn: "started_at")),
                    leaseLeftMilliseconds: try row.decode(forColumn: "here") ? until - instant.milliseconds : 0,
                    changed: try row.decode(forColumn: "changed"), settled: try row.decode(forColumn: "settled"))
            }
        }
    }

    /// Looks every 50 ms whether anybody has written, and only then reads this process' row.
    package func signals(for id: InstanceID) -> AsyncStream<Void> { signals.stream(for: id) }
}
