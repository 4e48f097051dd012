extension PostgresSchema {
    /// What owners and operators do to one session.
    static let settling: StaticString = """
        -- A reaper's end keeps the owner and an owner's end does not: of the two only the first can be found here. The
        -- drop is kept too, for the owner knows better than the row whether somebody is there.
        CREATE OR REPLACE FUNCTION voiced_take_back_1(ask jsonb) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            found_row sessions%ROWTYPE;
            has_budget boolean := true;
        BEGIN
            SELECT * INTO found_row FROM sessions
            WHERE id = ask->>'session' AND owner = ask->>'owner' AND epoch = (ask->>'epoch')::bigint
            FOR NO KEY UPDATE;
            IF NOT FOUND OR found_row.state = 'scheduled' OR found_row.state = 'ended'
                AND found_row.completion_reason NOT IN ('interrupted', 'participant_left')
            THEN
                RETURN '{"result": "fenced"}';
            END IF;
            IF found_row.state = 'active' THEN
                RETURN jsonb_build_object('result', 'unchanged', 'session', to_jsonb(found_row));
            END IF;
            UPDATE sessions SET
                state = 'active', completion_reason = NULL, completion_detail = NULL, ended_at = NULL,
                rejoin_until = NULL
            WHERE id = found_row.id;
            IF found_row.reserved_micros <= 0 THEN
                has_budget := voiced_reserve_1(found_row.id, (ask->>'step')::bigint);
            END IF;
            SELECT * INTO found_row FROM sessions WHERE id = found_row.id;
            RETURN jsonb_build_object(
                'result', CASE WHEN has_budget THEN 'taken' ELSE 'without_budget' END, 'session', to_jsonb(found_row));
        END
        $f$;

        CREATE OR REPLACE FUNCTION voiced_top_up_1(ask jsonb) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            found_row sessions%ROWTYPE;
        BEGIN
            SELECT * INTO found_row FROM sessions
            WHERE id = ask->>'session' AND owner = ask->>'owner' AND epoch = (ask->>'epoch')::bigint
                AND state <> 'ended'
            FOR NO KEY UPDATE;
            IF NOT FOUND THEN RETURN '{"result": "fenced"}'; END IF;
            IF NOT voiced_reserve_1(found_row.id, (ask->>'step')::bigint) THEN RETURN '{"result": "refused"}'; END IF;
            RETURN jsonb_build_object(
                'result', 'granted', 'reserved', (SELECT reserved_micros FROM sessions WHERE id = found_row.id));
        END
        $f$;

        CREATE OR REPLACE FUNCTION voiced_request_close_1(ask jsonb) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            moment bigint;
            found_row sessions%ROWTYPE;
        BEGIN
            SELECT * INTO found_row FROM sessions WHERE id = ask->>'session' FOR NO KEY UPDATE;
            IF NOT FOUND THEN RETURN '{"result": "unknown"}'; END IF;
            IF found_row.state = 'ended' THEN RETURN '{"result": "already_ended"}'; END IF;
            moment := voiced_now_1();
            IF voiced_is_alive_1(found_row.owner, moment) THEN
                UPDATE sessions SET close_request = coalesce(ask->>'detail', '') WHERE id = found_row.id;
                PERFORM voiced_raise_1(ARRAY[found_row.owner]);
                RETURN jsonb_build_object('result', 'requested', 'owner', found_row.owner);
            END IF;
            PERFORM voiced_end_1(found_row.id, 'admin_closed', ask->>'detail', moment);
            PERFORM voiced_raise_1(ARRAY[found_row.owner]);
            RETURN '{"result": "ended"}';
        END
        $f$;

        CREATE OR REPLACE FUNCTION voiced_suspect_1(ask jsonb) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            found_row sessions%ROWTYPE;
        BEGIN
            SELECT * INTO found_row FROM sessions WHERE id = ask->>'session' AND state <> 'ended' FOR NO KEY UPDATE;
            IF NOT FOUND THEN RETURN '{"result": "settled"}'; END IF;
            UPDATE sessions SET suspected = suspected + 1 WHERE id = found_row.id;
            IF found_row.suspected + 1 < (ask->>'deaths')::integer THEN RETURN '{"result": "marked"}'; END IF;
            PERFORM voiced_end_1(found_row.id, 'error', 'suspect', voiced_now_1());
            PERFORM voiced_raise_1(ARRAY[found_row.owner]);
            RETURN '{"result": "ended"}';
        END
        $f$;
        """

    /// No fence: whoever held the session once may say what it had not committed.
    static let late: StaticString = """
        CREATE OR REPLACE FUNCTION voiced_append_late_1(ask jsonb) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            moment bigint;
            number bigint;
            written bigint;
            charges jsonb;
            charge jsonb;
            parts bigint[];
            entries jsonb := '[]';
        BEGIN
            PERFORM 1 FROM sessions WHERE id IN (SELECT jsonb_array_elements_text(ask->'sessions'))
            ORDER BY id FOR NO KEY UPDATE;
            GET DIAGNOSTICS number = ROW_COUNT;
            IF number <> jsonb_array_length(ask->'sessions') THEN RETURN '{"result": "unknown"}'; END IF;
            moment := voiced_now_1();
            WITH records AS (
                SELECT * FROM jsonb_to_recordset(ask->'records') AS r(
                    session text, epoch bigint, sequence bigint, kind text, body text, response text, micros bigint)
            ), fresh AS (
                INSERT INTO journal_late(session, epoch, sequence, kind, at, body)
                SELECT r.session, r.epoch, r.sequence, r.kind, moment, r.body FROM records r
                WHERE NOT EXISTS (
                    SELECT 1 FROM journal j
                    WHERE j.session = r.session AND j.epoch = r.epoch AND j.sequence = r.sequence)
                ORDER BY r.session, r.epoch, r.sequence
                ON CONFLICT DO NOTHING
                RETURNING journal_late.session, journal_late.epoch, journal_late.sequence
            ), paid AS (
                INSERT INTO usage_responses(response, session, epoch, sequence)
                SELECT r.response, r.session, r.epoch, r.sequence
                FROM records r JOIN fresh f ON (f.session, f.epoch, f.sequence) = (r.session, r.epoch, r.sequence)
                WHERE r.response IS NOT NULL ORDER BY r.response
                ON CONFLICT DO NOTHING
                RETURNING usage_responses.session, usage_responses.epoch, usage_responses.sequence
            )
            SELECT (SELECT count(*) FROM fresh), (
                SELECT jsonb_agg(jsonb_build_array(c.session, c.micros)) FROM (
                    SELECT p.session, sum(r.micros) AS micros
                    FROM paid p JOIN records r ON (p.session, p.epoch, p.sequence) = (r.session, r.epoch, r.sequence)
                    GROUP BY p.session) c)
            INTO written, charges;
            FOR charge IN SELECT value FROM jsonb_array_elements(coalesce(charges, '[]')) LOOP
                parts := voiced_charge_1(charge->>0, (charge->>1)::bigint);
                entries := entries || jsonb_build_array(jsonb_build_array(
                    (SELECT study FROM sessions WHERE id = charge->>0), parts[1], parts[2], parts[3]));
            END LOOP;
            PERFORM voiced_ledger_1(entries);
            RETURN jsonb_build_object('result', 'ok', 'records', written);
        END
        $f$;
        """
}
