extension StoreSchema {
    /// Who lives, what is reserved, and what came too late.
    ///
    /// - `instances`: `started_at` is the wall clock's; `lease_until`, `renewed_at` and `steady_since` are
    ///   `LeaseInstant`s of the boot `boot_id`, and every other boot's lease is past.
    /// - `sessions.claimed_at` and `active_at_claim` (`active_ms` then) say how long a session has been active without
    ///   its owner's telling; both are set anew when a participant comes back.
    /// - `studies`: `cap_micros` is the study's own word, written when it is saved; the other three are the ledger's.
    /// - `journal_late`: records of owners that had been overtaken. `usage_responses` is unique over both tables.
    ///
    /// What was spent before there was a ledger is in it from the start.
    static let ownership = """
        CREATE TABLE instances (
            id TEXT NOT NULL PRIMARY KEY,
            build TEXT NOT NULL,
            media_address TEXT NOT NULL,
            media_url TEXT,
            capacity INTEGER NOT NULL,
            active INTEGER NOT NULL DEFAULT 0,
            draining INTEGER NOT NULL DEFAULT 0,
            started_at INTEGER NOT NULL,
            boot_id TEXT NOT NULL,
            lease_until INTEGER NOT NULL,
            renewed_at INTEGER NOT NULL,
            steady_since INTEGER NOT NULL,
            changed INTEGER NOT NULL DEFAULT 0,
            settled INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;

        ALTER TABLE sessions ADD COLUMN reserved_micros INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE sessions ADD COLUMN close_request TEXT;
        ALTER TABLE sessions ADD COLUMN suspected INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE sessions ADD COLUMN claimed_at INTEGER;
        ALTER TABLE sessions ADD COLUMN active_at_claim INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX sessions_owned ON sessions(owner) WHERE owner IS NOT NULL;

        ALTER TABLE studies ADD COLUMN cap_micros INTEGER;
        ALTER TABLE studies ADD COLUMN spent_micros INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE studies ADD COLUMN reserved_micros INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE studies ADD COLUMN debt_micros INTEGER NOT NULL DEFAULT 0;
        UPDATE studies SET spent_micros =
            (SELECT coalesce(sum(cost_micros), 0) FROM sessions WHERE sessions.study = studies.id);

        CREATE TABLE journal_late (
            session TEXT NOT NULL REFERENCES sessions(id),
            epoch INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            kind TEXT NOT NULL,
            at INTEGER NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (session, epoch, sequence)
        ) STRICT, WITHOUT ROWID;
        """
}
