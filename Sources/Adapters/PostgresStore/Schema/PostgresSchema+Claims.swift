extension PostgresSchema {
    /// One conditional change of owner. The wait for the row is the caller's `lock_timeout`; lease, expectation and
    /// budget are looked at behind it.
    static let claim: StaticString = """
        CREATE OR REPLACE FUNCTION voiced_claim_1(ask jsonb) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            moment bigint;
            found_row sessions%ROWTYPE;
            former text;
        BEGIN
            SELECT * INTO found_row FROM sessions WHERE id = ask->>'session' FOR NO KEY UPDATE;
            moment := voiced_now_1();
            IF NOT voiced_is_alive_1(ask->>'owner', moment) THEN RETURN '{"result": "lease_lapsed"}'; END IF;
            IF found_row.id IS NULL THEN RETURN '{"result": "unknown"}'; END IF;
            IF found_row.owner IS DISTINCT FROM ask->>'expected_owner'
                OR found_row.epoch <> (ask->>'expected_epoch')::bigint OR found_row.state = 'ended'
            THEN
                RETURN jsonb_build_object('result', 'lost', 'session', to_jsonb(found_row));
            END IF;
            -- A session that has something left goes on with it.
            IF found_row.reserved_micros <= 0 AND NOT voiced_reserve_1(found_row.id, (ask->>'step')::bigint) THEN
                RETURN '{"result": "study_budget"}';
            END IF;
            former := found_row.owner;
            UPDATE sessions SET
                owner = ask->>'owner', epoch = epoch + 1, state = 'active', client = ask->>'client',
                started_at = coalesce(started_at, moment), disconnected_at = NULL, rejoin_until = NULL,
                claimed_at = moment, active_at_claim = active_ms
            WHERE id = found_row.id
            RETURNING * INTO found_row;
            IF former IS DISTINCT FROM found_row.owner THEN PERFORM voiced_raise_1(ARRAY[former]); END IF;
            RETURN jsonb_build_object('result', 'claimed', 'session', to_jsonb(found_row));
        END
        $f$;
        """

    /// A renewal writes one row, once.
    static let instances: StaticString = """
        CREATE OR REPLACE FUNCTION voiced_register_1(ask jsonb) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            moment bigint := voiced_now_1();
        BEGIN
            INSERT INTO instances(
                id, build, media_address, media_url, capacity, started_at, lease_until, renewed_at, steady_since)
            VALUES (
                ask->>'id', ask->>'build', ask->>'media_address', ask->>'media_url', (ask->>'capacity')::bigint, moment,
                moment + (ask->>'lease_ms')::bigint, moment, moment)
            ON CONFLICT (id) DO NOTHING;
            IF FOUND THEN RETURN '{"result": "ok", "changed": 0, "lapsed": false}'; END IF;
            UPDATE instances SET
                build = ask->>'build', media_address = ask->>'media_address', media_url = ask->>'media_url'
            WHERE id = ask->>'id';
            RETURN voiced_renew_1(ask);
        END
        $f$;

        CREATE OR REPLACE FUNCTION voiced_renew_1(ask jsonb) RETURNS jsonb
        LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT AS $f$
        DECLARE
            moment bigint;
            found_row instances%ROWTYPE;
        BEGIN
            SELECT * INTO found_row FROM instances WHERE id = ask->>'id' FOR NO KEY UPDATE;
            IF NOT FOUND THEN RETURN '{"result": "unknown"}'; END IF;
            moment := voiced_now_1();
            UPDATE instances SET
                active = coalesce((ask->>'active')::bigint, active), capacity = (ask->>'capacity')::bigint,
                draining = coalesce((ask->>'draining')::boolean, draining),
                settled = greatest(settled, coalesce((ask->>'settled')::bigint, 0)),
                lease_until = moment + (ask->>'lease_ms')::bigint, renewed_at = moment,
                steady_since = CASE
                    WHEN moment - renewed_at <= (ask->>'punctual_ms')::bigint THEN steady_since ELSE moment END
            WHERE id = found_row.id;
            RETURN jsonb_build_object(
                'result', 'ok', 'changed', found_row.changed, 'lapsed', found_row.lease_until <= moment);
        END
        $f$;
        """
}
