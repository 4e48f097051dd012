/// The rows of the reaper's drill, written into PostgreSQL by SQL: what is wrong, and what only looks like it.
struct ReaperScene: Sendable {
    let database: RigDatabase
    let study: String

    /// What nobody would settle without a reaper. Owners: `fake-alive` and `fake-settled` live and have answered,
    /// `fake-unsettled` lives and has not, `fake-dead` is dead, `fake-unknown` has no row.
    enum Wrong: String, CaseIterable {
        case neverCame
        case releasedAndGone
        case droppedAtDead
        case interruptedAtUnknown
        case interruptedAtSettled
        case activeOfNobody
        case activeAtUnknown
        case activeAtDead
        case zombie

        /// state, owner, expires_at, disconnected_at, rejoin_until, claimed_at relative to now in ms.
        fileprivate var columns: String {
            switch self {
            case .neverCame: "'scheduled', NULL, -5000, NULL, NULL, NULL"
            case .releasedAndGone: "'interrupted', NULL, 86400000, NULL, -5000, -600000"
            case .droppedAtDead: "'interrupted', 'fake-dead', 86400000, -200000, -5000, -600000"
            case .interruptedAtUnknown: "'interrupted', 'fake-unknown', 86400000, NULL, -5000, -600000"
            case .interruptedAtSettled: "'interrupted', 'fake-settled', 86400000, NULL, -5000, -600000"
            case .activeOfNobody: "'active', NULL, 86400000, NULL, NULL, -600000"
            case .activeAtUnknown: "'active', 'fake-unknown', 86400000, NULL, NULL, -600000"
            case .activeAtDead: "'active', 'fake-dead', 86400000, -20000, NULL, -600000"
            case .zombie: "'active', 'fake-alive', 86400000, NULL, NULL, -14400000"
            }
        }

        /// state and reason after it has been settled.
        fileprivate var expected: (state: String, reason: String) {
            switch self {
            case .neverCame: ("ended", "no_show")
            case .releasedAndGone, .interruptedAtUnknown, .interruptedAtSettled: ("ended", "interrupted")
            case .droppedAtDead: ("ended", "participant_left")
            case .activeOfNobody, .activeAtUnknown, .activeAtDead: ("interrupted", "")
            case .zombie: ("ended", "zombie")
            }
        }
    }

    /// Close to a wrong state, and right.
    private static let healthy = [
        "'scheduled', NULL, 86400000, NULL, NULL, NULL",
        "'active', 'fake-alive', 86400000, NULL, NULL, -600000",
        // Absent: whatever time passes is no activity.
        "'active', 'fake-alive', 86400000, -14000000, NULL, -14400000",
        "'interrupted', 'fake-dead', 86400000, -1000, 3600000, -600000",
        // Its owner lives and has not looked yet: it may still be talking.
        "'interrupted', 'fake-unsettled', 86400000, NULL, -5000, -600000",
        "'ended', NULL, -5000, NULL, -5000, -600000",
    ]

    func makeInstances() async throws {
        let values = [("alive", 8_000, 0), ("settled", 8_000, 0), ("unsettled", 8_000, 5), ("dead", -60_000, 0)]
            .map { name, lease, changed in
                "('fake-\(name)', 'drill', '127.0.0.1:1', 10, audit.now(), audit.now() + \(lease), audit.now(), "
                    + "audit.now(), \(changed), 0)"
            }
        try await database.query(
            """
            INSERT INTO instances(
                id, build, media_address, capacity, started_at, lease_until, renewed_at, steady_since, changed, settled)
            VALUES \(values.joined(separator: ", "))
            """)
    }

    /// As a living process does every two seconds.
    func keepAlive() async throws {
        try await database.query(
            """
            UPDATE instances SET lease_until = audit.now() + 8000, renewed_at = audit.now(),
                settled = CASE WHEN id = 'fake-unsettled' THEN 0 ELSE changed END
            WHERE id IN ('fake-alive', 'fake-settled', 'fake-unsettled')
            """)
    }

    func insert(wrong: Int, healthy: Int) async throws {
        var statements = Wrong.allCases.map { rows($0.rawValue, $0.columns, wrong) }
        for (index, columns) in Self.healthy.enumerated() {
            let count = healthy / Self.healthy.count + (index < healthy % Self.healthy.count ? 1 : 0)
            statements.append(rows("healthy\(index)", columns, count))
        }
        statements.append(
            """
            UPDATE studies SET reserved_micros = (SELECT sum(reserved_micros) FROM sessions WHERE study = '\(study)')
            WHERE id = '\(study)';
            """)
        try await database.query(statements.joined(separator: "\n"))
    }

    private func rows(_ name: String, _ columns: String, _ count: Int) -> String {
        """
        INSERT INTO sessions(
            id, study, participant, state, owner, epoch, client, created_at, expires_at, started_at, disconnected_at,
            rejoin_until, claimed_at, reserved_micros)
        SELECT '\(name)-' || number, '\(study)', 'drill', v.state, v.owner,
            CASE WHEN v.state = 'scheduled' THEN 0 ELSE 3 END, 'page', audit.now() - 15000000,
            audit.now() + v.expires, audit.now() + v.claimed, audit.now() + v.gone, audit.now() + v.back,
            audit.now() + v.claimed, CASE WHEN v.state IN ('scheduled', 'ended') THEN 0 ELSE 1000000 END
        FROM generate_series(1, \(count)) AS number,
            (SELECT state, owner, expires::bigint, gone::bigint, back::bigint, claimed::bigint
                FROM (VALUES (\(columns))) AS t(state, owner, expires, gone, back, claimed)) AS v;
        """
    }

    /// When the first process will have renewed for 20 s.
    func firstMayReap() async throws -> Int {
        try await database.number("SELECT min(steady_since) + 20000 FROM instances WHERE id NOT LIKE 'fake-%'")
    }

    /// Wrong rows that have been written at least once.
    func settled() async throws -> Int {
        try await database.number(
            "SELECT count(DISTINCT session) FROM audit.sessions WHERE session NOT LIKE 'healthy%'")
    }

    /// How many were written once and more often, and how many are as they should be.
    func outcome(of state: Wrong) async throws -> (once: Int, often: Int, right: Int) {
        let row =
            try await database.query(
                """
                WITH writes AS (
                    SELECT session, count(*) AS times FROM audit.sessions WHERE session LIKE '\(state.rawValue)-%'
                    GROUP BY session)
                SELECT (SELECT count(*) FROM writes WHERE times = 1), (SELECT count(*) FROM writes WHERE times > 1),
                    (SELECT count(*) FROM sessions WHERE id LIKE '\(state.rawValue)-%' AND state = '\(state.expected.state)'
                        AND coalesce(completion_reason, '') = '\(state.expected.reason)')
                """
            ).first ?? []
        guard row.count == 3, let once = Int(row[0]), let often = Int(row[1]), let right = Int(row[2]) else {
            throw DrillError.unreadable("what became of \(state.rawValue)")
        }
        return (once, often, right)
    }

    func touchedHealthy() async throws -> Int {
        try await database.number("SELECT count(*) FROM audit.sessions WHERE session LIKE 'healthy%'")
    }

    /// When the first and the last wrong row was settled for the first time.
    func times() async throws -> (first: Int, last: Int) {
        let firsts = "SELECT min(at) AS at FROM audit.sessions WHERE session NOT LIKE 'healthy%' GROUP BY session"
        return (
            try await database.number("SELECT coalesce(min(at), 0) FROM (\(firsts)) AS f"),
            try await database.number("SELECT coalesce(max(at), 0) FROM (\(firsts)) AS f")
        )
    }

    func reservations() async throws -> (ended: Int, study: Int, sessions: Int) {
        (
            try await database.number(
                "SELECT coalesce(sum(reserved_micros), 0)::bigint FROM sessions WHERE state = 'ended'"),
            try await database.number("SELECT reserved_micros FROM studies WHERE id = '\(study)'"),
            try await database.number(
                "SELECT coalesce(sum(reserved_micros), 0)::bigint FROM sessions WHERE study = '\(study)'")
        )
    }

    func jobs() async throws -> (ended: Int, jobs: Int) {
        (
            try await database.number(
                "SELECT count(*) FROM sessions WHERE state = 'ended' AND id NOT LIKE 'healthy%'"),
            try await database.number("SELECT count(*) FROM jobs WHERE session NOT LIKE 'healthy%'")
        )
    }
}
