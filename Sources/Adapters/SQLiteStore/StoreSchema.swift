import GRDB

/// The tables, as migrations that only ever expand: during a deploy two builds work on one file, so build N reads what
/// N−1 and N+1 write, a column is added with a default, and is taken away a release after nothing reads it.
/// GRDB keeps the names of those that have run in `grdb_migrations`.
enum StoreSchema {
    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("0001 studies, sessions, journal, jobs", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: first)
        }
        migrator.registerMigration("0002 instances, reservations, late records", foreignKeyChecks: .immediate) {
            database in
            try database.execute(sql: ownership)
        }
        return migrator
    }()

    /// Times are milliseconds of the store's clock. `body` is JSON in the shapes that `Tests/Golden/Journal` keeps.
    ///
    /// - `sessions.owner` stays when a session is interrupted by somebody else, and goes when its owner gives it up:
    ///   only a claim changes (owner, epoch) to another's.
    /// - `usage_responses` makes money unique by the provider's response id over all sessions.
    /// - `jobs` is the outbox: written with the row it speaks of, read by the workers; a second end of the same epoch
    ///   has the next ordinal.
    /// - `probe` is where a store that has failed tries whether it can write again.
    private static let first = """
        CREATE TABLE studies (
            id TEXT NOT NULL PRIMARY KEY,
            body TEXT NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE sessions (
            id TEXT NOT NULL PRIMARY KEY,
            study TEXT NOT NULL REFERENCES studies(id),
            participant TEXT NOT NULL,
            state TEXT NOT NULL,
            owner TEXT,
            epoch INTEGER NOT NULL DEFAULT 0,
            client TEXT,
            completion_reason TEXT,
            completion_detail TEXT,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            started_at INTEGER,
            disconnected_at INTEGER,
            rejoin_until INTEGER,
            ended_at INTEGER,
            active_ms INTEGER NOT NULL DEFAULT 0,
            cost_micros INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX sessions_by_creation ON sessions(created_at, id);
        CREATE INDEX sessions_by_study ON sessions(study, created_at, id);
        CREATE INDEX sessions_scheduled ON sessions(expires_at) WHERE state = 'scheduled';
        CREATE INDEX sessions_interrupted ON sessions(rejoin_until) WHERE state = 'interrupted';
        CREATE INDEX sessions_active ON sessions(owner) WHERE state = 'active';

        CREATE TABLE journal (
            session TEXT NOT NULL REFERENCES sessions(id),
            epoch INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            kind TEXT NOT NULL,
            at INTEGER NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (session, epoch, sequence)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE usage_responses (
            response TEXT NOT NULL PRIMARY KEY,
            session TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            sequence INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE jobs (
            session TEXT NOT NULL REFERENCES sessions(id),
            epoch INTEGER NOT NULL,
            kind TEXT NOT NULL,
            ordinal INTEGER NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL,
            PRIMARY KEY (session, epoch, kind, ordinal)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX jobs_by_creation ON jobs(created_at);

        CREATE TABLE probe (body BLOB NOT NULL) STRICT;
        """
}
