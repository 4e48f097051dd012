import PostgreSQL

/// The tables and functions, as migrations that only ever expand: during a deploy two builds work on one database, so a
/// column is added with a default, a function that changes gets the next number in its name, and what nothing calls any
/// more goes a release later. Each migration may run twice (`IF NOT EXISTS`, `OR REPLACE`).
enum PostgresSchema {
    struct Migration: Sendable {
        var version: Int
        var scripts: [StaticString]
    }

    static let migrations = [
        Migration(version: 1, scripts: [tables, helpers, commit, claim, instances, settling, reaping, late])
    ]

    static let version = 1

    static let ledgerTable: StaticString = """
        CREATE TABLE IF NOT EXISTS voiced_migrations (
            version integer PRIMARY KEY,
            applied_at timestamptz NOT NULL DEFAULT now(),
            build text NOT NULL
        )
        """

    /// Times are milliseconds of the database's clock since 1970. `body` is JSON in the shapes that
    /// `Tests/Golden/Journal` keeps; it is text, because jsonb cannot hold every string that people say (U+0000).
    ///
    /// - `sessions.owner` stays when a session is interrupted or ended by somebody else, and goes when its owner gives
    ///   it up or ends it: only a claim changes (owner, epoch) to another's.
    /// - `studies.rejoin_ms`, `hard_limit_ms`, `cap_micros` repeat what is in `body`, for statements.
    /// - `usage_responses` makes money unique by the provider's response id over journal and journal_late.
    /// - `jobs` is the outbox: written with the row it speaks of; a second end of the same epoch has the next ordinal.
    /// - Journal, late journal and jobs refer to sessions without a foreign key: their writers hold the session's row
    ///   locked, and a check would lock it once more for every record.
    /// - Rows of `sessions` and `instances` are written again and again in columns without an index: the room that
    ///   `fillfactor` leaves keeps such versions on their page.
    private static let tables: StaticString = """
        CREATE TABLE IF NOT EXISTS studies (
            id text COLLATE "C" PRIMARY KEY,
            body text NOT NULL,
            updated_at bigint NOT NULL,
            rejoin_ms bigint,
            hard_limit_ms bigint,
            cap_micros bigint,
            spent_micros bigint NOT NULL DEFAULT 0,
            reserved_micros bigint NOT NULL DEFAULT 0,
            debt_micros bigint NOT NULL DEFAULT 0
        ) WITH (fillfactor = 50);

        CREATE TABLE IF NOT EXISTS sessions (
            id text COLLATE "C" PRIMARY KEY,
            study text COLLATE "C" NOT NULL REFERENCES studies(id),
            participant text NOT NULL,
            state text NOT NULL,
            owner text COLLATE "C",
            epoch bigint NOT NULL DEFAULT 0,
            client text,
            completion_reason text,
            completion_detail text,
            created_at bigint NOT NULL,
            expires_at bigint NOT NULL,
            started_at bigint,
            disconnected_at bigint,
            rejoin_until bigint,
            ended_at bigint,
            active_ms bigint NOT NULL DEFAULT 0,
            cost_micros bigint NOT NULL DEFAULT 0,
            reserved_micros bigint NOT NULL DEFAULT 0,
            close_request text,
            suspected integer NOT NULL DEFAULT 0,
            claimed_at bigint,
            active_at_claim bigint NOT NULL DEFAULT 0
        ) WITH (fillfactor = 80);
        CREATE INDEX IF NOT EXISTS sessions_by_creation ON sessions(created_at, id);
        CREATE INDEX IF NOT EXISTS sessions_by_study ON sessions(study, created_at, id);
        CREATE INDEX IF NOT EXISTS sessions_by_owner ON sessions(owner) WHERE owner IS NOT NULL;
        CREATE INDEX IF NOT EXISTS sessions_scheduled ON sessions(expires_at) WHERE state = 'scheduled';
        CREATE INDEX IF NOT EXISTS sessions_interrupted ON sessions(rejoin_until) WHERE state = 'interrupted';
        CREATE INDEX IF NOT EXISTS sessions_active ON sessions(owner) WHERE state = 'active';

        CREATE TABLE IF NOT EXISTS journal (
            session text COLLATE "C" NOT NULL,
            epoch bigint NOT NULL,
            sequence bigint NOT NULL,
            kind text NOT NULL,
            at bigint NOT NULL,
            body text NOT NULL,
            PRIMARY KEY (session, epoch, sequence)
        );

        CREATE TABLE IF NOT EXISTS journal_late (
            session text COLLATE "C" NOT NULL,
            epoch bigint NOT NULL,
            sequence bigint NOT NULL,
            kind text NOT NULL,
            at bigint NOT NULL,
            body text NOT NULL,
            PRIMARY KEY (session, epoch, sequence)
        );

        CREATE TABLE IF NOT EXISTS usage_responses (
            response text COLLATE "C" PRIMARY KEY,
            session text COLLATE "C" NOT NULL,
            epoch bigint NOT NULL,
            sequence bigint NOT NULL
        );

        CREATE TABLE IF NOT EXISTS jobs (
            session text COLLATE "C" NOT NULL,
            epoch bigint NOT NULL,
            kind text NOT NULL,
            ordinal integer NOT NULL DEFAULT 0,
            created_at bigint NOT NULL,
            PRIMARY KEY (session, epoch, kind, ordinal)
        );
        CREATE INDEX IF NOT EXISTS jobs_by_creation ON jobs(created_at);

        CREATE TABLE IF NOT EXISTS instances (
            id text COLLATE "C" PRIMARY KEY,
            build text NOT NULL,
            media_address text NOT NULL,
            media_url text,
            capacity bigint NOT NULL,
            active bigint NOT NULL DEFAULT 0,
            draining boolean NOT NULL DEFAULT false,
            started_at bigint NOT NULL,
            lease_until bigint NOT NULL,
            renewed_at bigint NOT NULL,
            steady_since bigint NOT NULL,
            changed bigint NOT NULL DEFAULT 0,
            settled bigint NOT NULL DEFAULT 0
        ) WITH (fillfactor = 20);
        """
}
