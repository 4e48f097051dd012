extension PostgresSchema {
    /// What the functions share. All of them run under READ COMMITTED, each statement in them with a snapshot of its
    /// own, so that what follows a lock sees what was committed while it waited. Locks are taken in one order
    /// everywhere: sessions by id, then studies by id, then instances by id.
    static let helpers: StaticString = """
        CREATE OR REPLACE FUNCTION voiced_now_1() RETURNS bigint
        LANGUAGE sql VOLATILE AS $f$
            SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
        $f$;

        -- Tells processes that something of their rows has changed, once for each row. Unknown ones hear nothing.
        CREATE OR REPLACE FUNCTION voiced_raise_1(owners text[]) RETURNS void
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            instance text;
            times bigint;
        BEGIN
            FOR instance, times IN
                SELECT o.name COLLATE "C", count(*) FROM unnest(owners) AS o(name) WHERE o.name IS NOT NULL
                GROUP BY 1 ORDER BY 1
            LOOP
                UPDATE instances SET changed = changed + times WHERE id = instance;
                IF FOUND THEN PERFORM pg_notify('voiced_changed', instance); END IF;
            END LOOP;
        END
        $f$;

        CREATE OR REPLACE FUNCTION voiced_is_alive_1(instance text, moment bigint) RETURNS boolean
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        BEGIN
            RETURN EXISTS (SELECT 1 FROM instances WHERE id = instance AND lease_until > moment);
        END
        $f$;

        -- Sets another step aside for a session whose row the caller has locked. False: the cap has no room, and nothing
        -- has changed. The comparison is made again after the wait for the study's row.
        CREATE OR REPLACE FUNCTION voiced_reserve_1(name text, step bigint) RETURNS boolean
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        BEGIN
            UPDATE studies SET reserved_micros = reserved_micros + step
            WHERE id = (SELECT study FROM sessions WHERE sessions.id = name)
                AND (cap_micros IS NULL OR spent_micros + debt_micros + reserved_micros + step <= cap_micros);
            IF NOT FOUND THEN RETURN false; END IF;
            UPDATE sessions SET reserved_micros = reserved_micros + step WHERE id = name;
            RETURN true;
        END
        $f$;

        -- The outbox row of an end.
        CREATE OR REPLACE FUNCTION voiced_job_1(name text, at_epoch bigint, moment bigint) RETURNS void
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        BEGIN
            INSERT INTO jobs(session, epoch, kind, ordinal, created_at)
            SELECT name, at_epoch, 'ended', coalesce(max(ordinal) + 1, 0), moment FROM jobs
            WHERE session = name AND epoch = at_epoch AND kind = 'ended';
        END
        $f$;

        -- An end that is not its owner's. Owner and epoch stay, so that an owner that was cut off finds its row when it
        -- comes back; no journal record is written, because the journal is the owner's and the next sequence is its own.
        CREATE OR REPLACE FUNCTION voiced_end_1(name text, reason text, detail text, moment bigint) RETURNS void
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            found_row sessions%ROWTYPE;
        BEGIN
            SELECT * INTO found_row FROM sessions WHERE id = name;
            UPDATE sessions SET
                state = 'ended', completion_reason = reason, completion_detail = detail, ended_at = moment,
                rejoin_until = NULL, reserved_micros = 0
            WHERE id = name;
            IF found_row.reserved_micros <> 0 THEN
                UPDATE studies SET reserved_micros = reserved_micros - found_row.reserved_micros
                WHERE id = found_row.study;
            END IF;
            PERFORM voiced_job_1(name, found_row.epoch, moment);
        END
        $f$;

        -- Enters money spent into a session whose row the caller has locked; returns what the study's ledger is to take:
        -- [spent, debt, freed].
        CREATE OR REPLACE FUNCTION voiced_charge_1(name text, micros bigint) RETURNS bigint[]
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            reserved bigint;
            part bigint;
        BEGIN
            SELECT reserved_micros INTO reserved FROM sessions WHERE id = name;
            part := least(micros, reserved);
            UPDATE sessions SET cost_micros = cost_micros + micros, reserved_micros = reserved_micros - part
            WHERE id = name;
            RETURN ARRAY[part, micros - part, part];
        END
        $f$;

        -- Enters `entries`, rows of [study, spent, debt, freed], into the studies' ledgers.
        CREATE OR REPLACE FUNCTION voiced_ledger_1(entries jsonb) RETURNS void
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        BEGIN
            IF jsonb_array_length(entries) = 0 THEN RETURN; END IF;
            PERFORM 1 FROM studies WHERE id IN (SELECT value->>0 FROM jsonb_array_elements(entries))
            ORDER BY id FOR NO KEY UPDATE;
            UPDATE studies SET
                spent_micros = spent_micros + entry.spent, debt_micros = debt_micros + entry.debt,
                reserved_micros = reserved_micros - entry.freed
            FROM (
                SELECT value->>0 AS study, sum((value->>1)::bigint)::bigint AS spent,
                    sum((value->>2)::bigint)::bigint AS debt, sum((value->>3)::bigint)::bigint AS freed
                FROM jsonb_array_elements(entries) GROUP BY 1
            ) AS entry
            WHERE studies.id = entry.study;
        END
        $f$;
        """
}
