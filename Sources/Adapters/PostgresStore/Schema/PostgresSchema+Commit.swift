extension PostgresSchema {
    /// Group commit: the changes of many owners in one transaction, each answered for itself. `operations` is an array of
    /// objects with `kind`, `owner`, `epoch`, `sessions` and what the kind needs; the answers stand in the same order.
    ///
    /// The row locks come first, so everything after them sees the last word of every (owner, epoch): this is the fence.
    /// What would be refused is found before anything of that operation is written, so a refusal leaves no trace.
    static let commit: StaticString = """
        CREATE OR REPLACE FUNCTION voiced_commit_1(operations jsonb) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            moment bigint;
            operation jsonb;
            answer jsonb;
            answers jsonb := '[]';
            entries jsonb := '[]';
        BEGIN
            PERFORM 1 FROM sessions
            WHERE id IN (
                SELECT jsonb_array_elements_text(value->'sessions') FROM jsonb_array_elements(operations))
            ORDER BY id FOR NO KEY UPDATE;
            moment := voiced_now_1();
            FOR operation IN SELECT value FROM jsonb_array_elements(operations) LOOP
                answer := CASE operation->>'kind'
                    WHEN 'append' THEN voiced_append_1(operation, moment)
                    WHEN 'ended' THEN voiced_finish_1(operation, moment)
                    ELSE voiced_change_1(operation, moment) END;
                entries := entries || coalesce(answer->'entries', '[]');
                answers := answers || jsonb_build_array(answer - 'entries');
            END LOOP;
            PERFORM voiced_ledger_1(entries);
            RETURN answers;
        END
        $f$;

        CREATE OR REPLACE FUNCTION voiced_append_1(operation jsonb, moment bigint) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            names text[] := ARRAY(SELECT jsonb_array_elements_text(operation->'sessions'));
            holder text := operation->>'owner';
            held bigint := (operation->>'epoch')::bigint;
            number bigint;
            written bigint;
            repeated bigint;
            charges jsonb;
            charge jsonb;
            parts bigint[];
            entries jsonb := '[]';
        BEGIN
            SELECT count(*) INTO number FROM sessions WHERE id = ANY(names) AND owner = holder AND epoch = held;
            IF number <> cardinality(names) THEN RETURN '{"result": "fenced"}'; END IF;
            PERFORM 1
            FROM jsonb_to_recordset(operation->'records') AS r(session text, sequence bigint, kind text, body text)
            LEFT JOIN journal j ON j.session = r.session AND j.epoch = held AND j.sequence = r.sequence
            GROUP BY r.session, r.sequence
            HAVING count(DISTINCT r.kind || ' ' || r.body) > 1
                OR bool_or(j.kind <> r.kind OR j.body <> r.body);
            IF FOUND THEN RETURN '{"result": "conflict"}'; END IF;

            WITH records AS (
                SELECT * FROM jsonb_to_recordset(operation->'records')
                    AS r(session text, sequence bigint, kind text, body text, response text, micros bigint)
            ), fresh AS (
                INSERT INTO journal(session, epoch, sequence, kind, at, body)
                SELECT r.session, held, r.sequence, r.kind, moment, r.body FROM records r
                ORDER BY r.session, r.sequence
                ON CONFLICT DO NOTHING RETURNING journal.session, journal.sequence
            ), paid AS (
                INSERT INTO usage_responses(response, session, epoch, sequence)
                SELECT r.response, r.session, held, r.sequence
                FROM records r JOIN fresh f ON f.session = r.session AND f.sequence = r.sequence
                WHERE r.response IS NOT NULL ORDER BY r.response, r.sequence
                ON CONFLICT DO NOTHING RETURNING usage_responses.session, usage_responses.sequence
            )
            SELECT
                (SELECT count(*) FROM fresh),
                (SELECT count(*) FROM records r JOIN fresh f ON f.session = r.session AND f.sequence = r.sequence
                    WHERE r.response IS NOT NULL) - (SELECT count(*) FROM paid),
                (SELECT jsonb_agg(jsonb_build_array(c.session, c.micros)) FROM (
                    SELECT p.session, sum(r.micros) AS micros
                    FROM paid p JOIN records r ON r.session = p.session AND r.sequence = p.sequence
                    GROUP BY p.session) c)
            INTO written, repeated, charges;

            FOR charge IN SELECT value FROM jsonb_array_elements(coalesce(charges, '[]')) LOOP
                parts := voiced_charge_1(charge->>0, (charge->>1)::bigint);
                entries := entries || jsonb_build_array(jsonb_build_array(
                    (SELECT study FROM sessions WHERE id = charge->>0), parts[1], parts[2], parts[3]));
            END LOOP;
            RETURN jsonb_build_object('result', 'ok', 'records', written, 'repeated', repeated, 'entries', entries);
        END
        $f$;

        -- The owner's end stands over whatever somebody else has made of the row meanwhile, an end included. The same
        -- end again is no error, though the session is nobody's by then.
        CREATE OR REPLACE FUNCTION voiced_finish_1(operation jsonb, moment bigint) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            name text := operation->'sessions'->>0;
            held bigint := (operation->>'epoch')::bigint;
            place bigint := (operation->>'sequence')::bigint;
            found_row sessions%ROWTYPE;
            stored journal%ROWTYPE;
            is_same boolean;
        BEGIN
            SELECT * INTO found_row FROM sessions WHERE id = name;
            SELECT * INTO stored FROM journal WHERE session = name AND epoch = held AND sequence = place;
            is_same := stored.kind = 'end' AND stored.body = operation->>'body';
            IF found_row.owner = operation->>'owner' AND found_row.epoch = held THEN
                IF stored.session IS NOT NULL AND NOT is_same THEN RETURN '{"result": "conflict"}'; END IF;
            ELSIF found_row.state = 'ended' AND found_row.epoch = held AND stored.session IS NOT NULL THEN
                RETURN jsonb_build_object('result', CASE WHEN is_same THEN 'ok' ELSE 'conflict' END);
            ELSE
                RETURN '{"result": "fenced"}';
            END IF;
            IF stored.session IS NULL THEN
                INSERT INTO journal(session, epoch, sequence, kind, at, body)
                VALUES (name, held, place, 'end', moment, operation->>'body');
            END IF;
            UPDATE sessions SET
                state = 'ended', owner = NULL, completion_reason = operation->>'reason',
                completion_detail = operation->>'detail', ended_at = moment, rejoin_until = NULL,
                active_ms = greatest(active_ms, (operation->>'active')::bigint), reserved_micros = 0
            WHERE id = name;
            PERFORM voiced_job_1(name, held, moment);
            RETURN jsonb_build_object(
                'result', 'ok', 'records', CASE WHEN stored.session IS NULL THEN 1 ELSE 0 END,
                'differs', found_row.cost_micros <> (operation->>'cost')::bigint,
                'entries', jsonb_build_array(jsonb_build_array(found_row.study, 0, 0, found_row.reserved_micros)));
        END
        $f$;

        CREATE OR REPLACE FUNCTION voiced_change_1(operation jsonb, moment bigint) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            name text := operation->'sessions'->>0;
            holder text := operation->>'owner';
            held bigint := (operation->>'epoch')::bigint;
            active bigint := coalesce((operation->>'active')::bigint, 0);
            cost bigint;
        BEGIN
            CASE operation->>'kind'
            WHEN 'disconnected' THEN
                UPDATE sessions SET
                    disconnected_at = coalesce(disconnected_at, moment), active_ms = greatest(active_ms, active)
                WHERE id = name AND owner = holder AND epoch = held AND state <> 'ended'
                RETURNING cost_micros INTO cost;
            WHEN 'reconnected' THEN
                -- A long absence is no activity: others count it (zombies) from here.
                UPDATE sessions SET
                    client = operation->>'client', disconnected_at = NULL, claimed_at = moment,
                    active_at_claim = active_ms
                WHERE id = name AND owner = holder AND epoch = held AND state <> 'ended'
                RETURNING cost_micros INTO cost;
            WHEN 'released' THEN
                -- The window runs from when the participant went, as after a crash: a release does not start it again.
                UPDATE sessions SET
                    state = 'interrupted', owner = NULL, active_ms = greatest(active_ms, active),
                    rejoin_until = coalesce(disconnected_at, moment) + (operation->>'window')::bigint
                WHERE id = name AND owner = holder AND epoch = held AND state <> 'ended'
                RETURNING cost_micros INTO cost;
            END CASE;
            IF cost IS NULL THEN RETURN '{"result": "fenced"}'; END IF;
            RETURN jsonb_build_object('result', 'ok', 'differs', coalesce(cost <> (operation->>'cost')::bigint, false));
        END
        $f$;
        """
}
