import Foundation

/// Triggers in PostgreSQL that write down every row that is written, by whoever: (owner, epoch) before and after,
/// transaction and clock. They are the drill's; voiced knows nothing of them.
struct AuditTrail: Sendable {
    let database: RigDatabase

    /// From here on. `stale` is a write that the row's (owner, epoch) of that moment does not cover: a journal record of
    /// another epoch, or a session whose owner changed without its epoch or whose epoch fell.
    func begin() async throws {
        try await database.query(
            """
            CREATE SCHEMA audit;
            CREATE TABLE audit.sessions (
                number bigserial PRIMARY KEY, session text, transaction bigint, at bigint,
                was_state text, state text, reason text, was_owner text, owner text, was_epoch bigint, epoch bigint,
                reserved bigint);
            CREATE TABLE audit.journal (
                number bigserial PRIMARY KEY, relation text, session text, transaction bigint, at bigint, kind text,
                epoch bigint, owner text, owned_epoch bigint);
            CREATE FUNCTION audit.now() RETURNS bigint LANGUAGE sql VOLATILE AS
                $$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;
            CREATE FUNCTION audit.session() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO audit.sessions(
                    session, transaction, at, was_state, state, reason, was_owner, owner, was_epoch, epoch, reserved)
                VALUES (
                    NEW.id, txid_current(), audit.now(), OLD.state, NEW.state, NEW.completion_reason, OLD.owner,
                    NEW.owner, OLD.epoch, NEW.epoch, NEW.reserved_micros);
                RETURN NULL;
            END $$;
            CREATE FUNCTION audit.journal() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                held record;
            BEGIN
                SELECT owner, epoch INTO held FROM public.sessions WHERE id = NEW.session;
                INSERT INTO audit.journal(relation, session, transaction, at, kind, epoch, owner, owned_epoch)
                VALUES (
                    TG_TABLE_NAME, NEW.session, txid_current(), audit.now(), NEW.kind, NEW.epoch, held.owner,
                    held.epoch);
                RETURN NULL;
            END $$;
            CREATE TRIGGER audit AFTER UPDATE ON public.sessions FOR EACH ROW EXECUTE FUNCTION audit.session();
            CREATE TRIGGER audit AFTER INSERT OR UPDATE ON public.journal
                FOR EACH ROW EXECUTE FUNCTION audit.journal();
            CREATE TRIGGER audit AFTER INSERT OR UPDATE ON public.journal_late
                FOR EACH ROW EXECUTE FUNCTION audit.journal();
            """)
    }

    /// The database's clock, in milliseconds.
    func now() async throws -> Int { try await database.number("SELECT audit.now()") }

    /// Journal records under another epoch than the row's, and rows written against the rules of a change of owner.
    func staleWrites() async throws -> Int {
        try await database.number(
            """
            SELECT (SELECT count(*) FROM audit.journal WHERE relation = 'journal' AND epoch <> owned_epoch)
                + (SELECT count(*) FROM audit.sessions WHERE epoch < was_epoch
                    OR (epoch = was_epoch AND owner IS NOT NULL AND owner IS DISTINCT FROM was_owner))
            """)
    }

    /// Rows of those sessions that `owner` wrote, or was written into, after `moment` though another held them.
    func takenBack(by owner: String, since moment: Int, _ sessions: [String]) async throws -> Int {
        try await database.number(
            """
            SELECT count(*) FROM audit.sessions WHERE at > \(moment) AND owner = '\(owner)'
                AND was_owner IS DISTINCT FROM owner AND session IN (\(Self.list(sessions)))
            """)
    }

    /// Records that were refused and laid beside, since the beginning.
    func lateRecords() async throws -> Int {
        try await database.number("SELECT count(*) FROM audit.journal WHERE relation = 'journal_late'")
    }

    /// How often rows of `sessions` came into `state`, since `moment`.
    func entries(into state: String, since moment: Int, _ sessions: [String]) async throws -> Int {
        try await database.number(
            """
            SELECT count(*) FROM audit.sessions WHERE at > \(moment) AND state = '\(state)' AND was_state <> state
                AND session IN (\(Self.list(sessions)))
            """)
    }

    static func list(_ ids: [String]) -> String {
        ids.isEmpty ? "''" : ids.map { "'\($0)'" }.joined(separator: ", ")
    }
}
