-- A store as the release before ownership left it: one study whose conversations have ended, gone on and never begun.
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES ('0001 studies, sessions, journal, jobs');

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

INSERT INTO studies VALUES (
    'study', '{"greeting":"g","id":"study","instructions":"i","language":"en","limits":{"rejoin_seconds":600},"name":"n"}',
    1700000000000
);
INSERT INTO sessions VALUES
    ('done', 'study', 'p1', 'ended', NULL, 1, 'page-1', 'completed', NULL, 1700000000000, 1700086400000,
        1700000001000, NULL, NULL, 1700000600000, 599000, 1200000),
    ('talking', 'study', 'p2', 'active', 'earlier-process', 2, 'page-2', NULL, NULL, 1700000000001, 1700086400000,
        1700000002000, NULL, NULL, NULL, 4000, 300),
    ('coming', 'study', 'p3', 'scheduled', NULL, 0, NULL, NULL, NULL, 1700000000002, 9000000000000,
        NULL, NULL, NULL, NULL, 0, 0);
INSERT INTO journal VALUES
    ('done', 1, 0, 'usage', 1700000500000,
        '{"estimated":false,"micros":1200000,"model":"m","provider":"openai","response":"r0","usage":{"audio_in":2,"audio_out":8,"cached_audio_in":5,"cached_image_in":6,"cached_text_in":4,"image_in":3,"ms":9,"text_in":1,"text_out":7}}'),
    ('done', 1, 1, 'end', 1700000600000, '{"reason":"completed"}'),
    ('talking', 2, 0, 'usage', 1700000500000,
        '{"estimated":false,"micros":300,"model":"m","provider":"openai","response":"r1","usage":{"audio_in":2,"audio_out":8,"cached_audio_in":5,"cached_image_in":6,"cached_text_in":4,"image_in":3,"ms":9,"text_in":1,"text_out":7}}');
INSERT INTO usage_responses VALUES ('r0', 'done', 1, 0), ('r1', 'talking', 2, 0);
INSERT INTO jobs VALUES ('done', 1, 'ended', 0, 1700000600000);
