extension PostgresSchema {
    /// Any number of processes may reap at once: `SKIP LOCKED` gives each row to one of them. What was found is compared
    /// once more when studies and instances are locked as well, because an owner may have renewed meanwhile.
    static let reaping: StaticString = """
        CREATE OR REPLACE FUNCTION voiced_reap_1(ask jsonb) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            moment bigint := voiced_now_1();
            room bigint := (ask->>'limit')::bigint;
            grace bigint := (ask->>'zombie_after_ms')::bigint;
            default_rejoin bigint := (ask->>'rejoin_ms')::bigint;
            default_limit bigint := (ask->>'hard_limit_ms')::bigint;
            no_shows text[] := '{}';
            overdue text[] := '{}';
            orphans text[] := '{}';
            zombies text[] := '{}';
            told text[] := '{}';
            found_row sessions%ROWTYPE;
            owner_row instances%ROWTYPE;
            reaped jsonb := '[]';
        BEGIN
            PERFORM 1 FROM instances
            WHERE id = ask->>'by' AND lease_until > moment AND moment - renewed_at <= (ask->>'punctual_ms')::bigint
                AND moment - steady_since >= (ask->>'steady_ms')::bigint;
            IF NOT FOUND THEN RETURN reaped; END IF;

            no_shows := ARRAY(
                SELECT id FROM sessions WHERE state = 'scheduled' AND expires_at <= moment
                ORDER BY expires_at, id LIMIT room FOR NO KEY UPDATE SKIP LOCKED);
            -- An owner that lives and has not looked at its rows since it was told may still take its own back.
            overdue := ARRAY(
                SELECT s.id FROM sessions s LEFT JOIN instances o ON o.id = s.owner AND o.lease_until > moment
                WHERE s.state = 'interrupted' AND s.rejoin_until <= moment AND (o.id IS NULL OR o.settled >= o.changed)
                ORDER BY s.rejoin_until, s.id LIMIT room - cardinality(no_shows)
                FOR NO KEY UPDATE OF s SKIP LOCKED);
            orphans := ARRAY(
                SELECT s.id FROM sessions s
                WHERE s.state = 'active' AND NOT EXISTS (
                    SELECT 1 FROM instances o WHERE o.id = s.owner AND o.lease_until > moment)
                ORDER BY s.id LIMIT room - cardinality(no_shows || overdue) FOR NO KEY UPDATE OF s SKIP LOCKED);
            -- By the claim's time and not by the owner's telling. Nobody is active who is not there.
            zombies := ARRAY(
                SELECT s.id FROM sessions s JOIN instances o ON o.id = s.owner AND o.lease_until > moment
                JOIN studies t ON t.id = s.study
                WHERE s.state = 'active' AND s.disconnected_at IS NULL
                    AND s.active_at_claim + moment - s.claimed_at > grace + coalesce(t.hard_limit_ms, default_limit)
                ORDER BY s.id LIMIT room - cardinality(no_shows || overdue || orphans)
                FOR NO KEY UPDATE OF s SKIP LOCKED);

            PERFORM 1 FROM studies WHERE id IN (
                SELECT study FROM sessions WHERE id = ANY(no_shows || overdue || zombies) AND reserved_micros <> 0)
            ORDER BY id FOR NO KEY UPDATE;
            PERFORM 1 FROM instances WHERE id IN (
                SELECT owner FROM sessions WHERE id = ANY(overdue || orphans || zombies))
            ORDER BY id FOR NO KEY UPDATE;
            moment := voiced_now_1();
            PERFORM 1 FROM instances WHERE id = ask->>'by' AND lease_until > moment;
            IF NOT FOUND THEN RETURN reaped; END IF;

            FOR found_row IN SELECT * FROM sessions WHERE id = ANY(no_shows) ORDER BY id LOOP
                PERFORM voiced_end_1(found_row.id, 'no_show', NULL, moment);
                reaped := reaped || voiced_reaped_1('no_show', found_row.id);
            END LOOP;
            FOR found_row IN SELECT * FROM sessions WHERE id = ANY(overdue) ORDER BY id LOOP
                SELECT * INTO owner_row FROM instances WHERE id = found_row.owner;
                CONTINUE WHEN owner_row.lease_until > moment AND owner_row.settled < owner_row.changed;
                -- One who had gone before is theirs, one whom we have lost is ours: incentives are paid by it.
                IF found_row.disconnected_at IS NULL THEN
                    PERFORM voiced_end_1(found_row.id, 'interrupted', NULL, moment);
                ELSE
                    PERFORM voiced_end_1(found_row.id, 'participant_left', 'dropped', moment);
                END IF;
                reaped := reaped || voiced_reaped_1('interrupted', found_row.id);
            END LOOP;
            FOR found_row IN SELECT * FROM sessions WHERE id = ANY(orphans) ORDER BY id LOOP
                SELECT * INTO owner_row FROM instances WHERE id = found_row.owner;
                CONTINUE WHEN owner_row.lease_until > moment;
                -- The window runs from the participant's own drop where there was one: a crash after it does not start
                -- it again.
                UPDATE sessions SET
                    state = 'interrupted',
                    rejoin_until = coalesce(disconnected_at, owner_row.lease_until, moment) + coalesce(
                        (SELECT rejoin_ms FROM studies WHERE studies.id = sessions.study), default_rejoin)
                WHERE id = found_row.id;
                told := told || found_row.owner;
                reaped := reaped || voiced_reaped_1('owner_lost', found_row.id);
            END LOOP;
            FOR found_row IN SELECT * FROM sessions WHERE id = ANY(zombies) ORDER BY id LOOP
                PERFORM voiced_end_1(found_row.id, 'zombie', NULL, moment);
                told := told || found_row.owner;
                reaped := reaped || voiced_reaped_1('zombie', found_row.id);
            END LOOP;
            PERFORM voiced_raise_1(told);

            DELETE FROM instances WHERE id IN (
                SELECT i.id FROM instances i
                WHERE i.lease_until <= moment - (ask->>'remembered_ms')::bigint AND NOT EXISTS (
                    SELECT 1 FROM sessions s WHERE s.owner = i.id AND s.state <> 'ended')
                ORDER BY i.id LIMIT 100 FOR UPDATE SKIP LOCKED);
            RETURN reaped;
        END
        $f$;

        CREATE OR REPLACE FUNCTION voiced_reaped_1(cause text, name text) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        BEGIN
            RETURN jsonb_build_array(jsonb_build_object(
                'cause', cause, 'session', (SELECT to_jsonb(sessions) FROM sessions WHERE id = name)));
        END
        $f$;
        """
}
