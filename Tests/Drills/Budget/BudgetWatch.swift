/// Looks at the money of a study in PostgreSQL at every commit that changes it, by a deferred trigger of the drill.
struct BudgetWatch: Sendable {
    let database: RigDatabase
    let study: String

    struct Ledger {
        var spent: Int
        var debt: Int
        var reserved: Int
        /// What the sessions have reserved.
        var ofSessions: Int
    }

    /// A change of money holds the study's row until it is committed, so the sum over its sessions is that of this very
    /// state. A state that is wrong is written down, not refused: the drill watches.
    func begin() async throws {
        try await database.query(
            """
            CREATE SCHEMA money;
            CREATE TABLE money.broken (number bigserial PRIMARY KEY, spent bigint, reserved bigint, cap bigint, total bigint);
            CREATE SEQUENCE money.checked;
            CREATE FUNCTION money.check() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                name text := CASE TG_TABLE_NAME WHEN 'studies' THEN to_jsonb(NEW)->>'id' ELSE to_jsonb(NEW)->>'study' END;
                held record;
                total bigint;
            BEGIN
                SELECT * INTO held FROM public.studies WHERE id = name;
                SELECT coalesce(sum(reserved_micros), 0) INTO total FROM public.sessions WHERE study = name;
                PERFORM nextval('money.checked');
                IF held.reserved_micros <> total
                    OR (held.cap_micros IS NOT NULL AND held.spent_micros + total > held.cap_micros)
                THEN
                    INSERT INTO money.broken(spent, reserved, cap, total)
                    VALUES (held.spent_micros, held.reserved_micros, held.cap_micros, total);
                END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER money AFTER UPDATE ON public.studies DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (OLD.reserved_micros <> NEW.reserved_micros OR OLD.spent_micros <> NEW.spent_micros)
                EXECUTE FUNCTION money.check();
            CREATE CONSTRAINT TRIGGER money AFTER UPDATE ON public.sessions DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (OLD.reserved_micros <> NEW.reserved_micros) EXECUTE FUNCTION money.check();
            """)
    }

    /// Sabotage.
    func hideADollar() async throws {
        try await database.query(
            "UPDATE studies SET reserved_micros = reserved_micros - 1000000 WHERE id = '\(study)'")
    }

    func ledger() async throws -> Ledger {
        let row =
            try await database.query(
                """
                SELECT spent_micros, debt_micros, reserved_micros,
                    (SELECT coalesce(sum(reserved_micros), 0)::bigint FROM sessions WHERE study = '\(study)')
                FROM studies WHERE id = '\(study)'
                """
            ).first?.compactMap(Int.init) ?? []
        guard row.count == 4 else { throw DrillError.unreadable("the ledger of \(study)") }
        return Ledger(spent: row[0], debt: row[1], reserved: row[2], ofSessions: row[3])
    }

    /// What the usage records say, each answer once.
    func journalMicros() async throws -> Int {
        try await database.number(
            """
            SELECT coalesce(sum(micros), 0)::bigint FROM (
                SELECT DISTINCT ON (body::jsonb->>'response') (body::jsonb->>'micros')::bigint AS micros
                FROM (SELECT session, kind, body FROM journal UNION ALL SELECT session, kind, body FROM journal_late) AS j
                WHERE kind = 'usage' AND session IN (SELECT id FROM sessions WHERE study = '\(study)')
            ) AS usage
            """)
    }

    func invariant() async throws -> (checked: Int, broken: Int) {
        (
            try await database.number("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM money.checked"),
            try await database.number("SELECT count(*) FROM money.broken")
        )
    }
}
