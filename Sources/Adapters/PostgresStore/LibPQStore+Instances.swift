import InterviewCore
import Ports

extension LibPQStore {
    private struct InstanceAsk: Encodable {
        var id: String
        var capacity: Int
        var lease_ms: Int64
        var punctual_ms: Int64
        var build: String?
        var media_address: String?
        var media_url: String?
        var active: Int?
        var draining: Bool?
        var settled: Int64?

        init(_ id: InstanceID, capacity: Int, by times: LeaseTimes) {
            self.id = id.text.storable
            self.capacity = capacity
            lease_ms = times.lease.storedWindow
            punctual_ms = (times.renewal + times.lateness).storedWindow
        }
    }

    package func register(_ instance: NewInstance) async throws(StoreError) -> LeaseAnswer {
        var ask = InstanceAsk(instance.id, capacity: instance.capacity, by: options.leaseTimes)
        ask.build = instance.build.storable
        ask.media_address = instance.mediaAddress.storable
        ask.media_url = instance.mediaURL?.storable
        return try Self.lease(try await self.ask("SELECT voiced_register_1($1::jsonb)", ask, lane: .leases))
    }

    package func renew(_ id: InstanceID, _ report: InstanceReport) async throws(StoreError) -> LeaseAnswer {
        var ask = InstanceAsk(id, capacity: report.capacity, by: options.leaseTimes)
        ask.active = report.active
        ask.draining = report.draining
        ask.settled = report.settled
        return try Self.lease(try await self.ask("SELECT voiced_renew_1($1::jsonb)", ask, lane: .leases))
    }

    private static func lease(_ answer: StoredAnswer) throws(StoreError) -> LeaseAnswer {
        switch answer.result {
        case "ok": return LeaseAnswer(changed: answer.changed ?? 0, hadLapsed: answer.lapsed ?? false)
        case "unknown": throw .notFound
        default: throw answer.unknown
        }
    }

    /// An unknown one has nothing left to retire.
    package func retire(_ id: InstanceID) async throws(StoreError) {
        _ = try await call(
            "UPDATE instances SET lease_until = least(lease_until, voiced_now_1()) WHERE id = $1", [id.text.storable],
            lane: .leases)
    }

    private struct StoredInstance: Decodable {
        var id: String
        var build: String
        var media_address: String
        var media_url: String?
        var capacity: Int
        var active: Int
        var draining: Bool
        var started_at: Int64
        var changed: Int64
        var settled: Int64
        var lease_left: Int64
    }

    package func instances() async throws(StoreError) -> [InstanceRecord] {
        let rows = try await call(
            """
            SELECT to_jsonb(i) || jsonb_build_object('lease_left', i.lease_until - voiced_now_1())
            FROM instances i ORDER BY started_at, id
            """, [])
        var instances: [InstanceRecord] = []
        for row in rows {
            let stored = try StoredText.value(StoredInstance.self, from: row.first ?? nil, "instances")
            instances.append(
                InstanceRecord(
                    id: InstanceID(stored.id), build: stored.build, mediaAddress: stored.media_address,
                    mediaURL: stored.media_url, capacity: stored.capacity, active: stored.active,
                    draining: stored.draining, startedAt: StoreTime(milliseconds: stored.started_at),
                    leaseLeftMilliseconds: stored.lease_left, changed: stored.changed, settled: stored.settled))
        }
        return instances
    }

    // MARK: Reaping

    private struct SweepAsk: Encodable {
        var by: String
        var limit: Int
        var rejoin_ms: Int64
        var hard_limit_ms: Int64
        var zombie_after_ms: Int64
        var punctual_ms: Int64
        var steady_ms: Int64
        var remembered_ms: Int64
    }

    private struct StoredReaped: Decodable {
        var cause: String
        var session: StoredSession
    }

    package func reap(_ sweep: Sweep) async throws(StoreError) -> [Reaped] {
        let times = options.leaseTimes
        let ask = SweepAsk(
            by: sweep.by.text.storable, limit: min(max(0, sweep.limit), Self.longestList),
            rejoin_ms: sweep.defaultRejoin.storedWindow, hard_limit_ms: sweep.defaultHardLimit.storedWindow,
            zombie_after_ms: sweep.zombieAfter.storedWindow,
            punctual_ms: (times.renewal + times.lateness).storedWindow, steady_ms: times.steady.storedWindow,
            remembered_ms: times.remembered.storedWindow)
        let rows = try await call("SELECT voiced_reap_1($1::jsonb)", [StoredText.json(ask)])
        var reaped: [Reaped] = []
        for stored in try StoredText.value([StoredReaped].self, from: rows.first?.first ?? nil, "reaped") {
            guard let cause = Reaped.Cause(rawValue: stored.cause) else { throw .corrupt(code: "reaped.cause") }
            reaped.append(Reaped(cause: cause, record: try stored.session.record()))
        }
        return reaped
    }
}
