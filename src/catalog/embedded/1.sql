-- Schema version 1 of the catalog. Times are milliseconds since 1970 UTC.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,      -- names differ by more than case
    role TEXT NOT NULL,
    hosts TEXT,                       -- JSON array of hosts in scope; NULL is all
    disabled INTEGER NOT NULL,
    token_generation INTEGER NOT NULL,
    created INTEGER NOT NULL,
    password_hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rules (
    id TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    title TEXT NOT NULL,
    level TEXT NOT NULL,
    status TEXT NOT NULL,
    description TEXT NOT NULL,
    tags TEXT NOT NULL,               -- JSON array
    logsource TEXT NOT NULL,
    text TEXT NOT NULL,
    origin TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    refused TEXT,
    loaded INTEGER NOT NULL
) STRICT;

CREATE TABLE hits (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    rule_id TEXT NOT NULL,
    rule_version TEXT NOT NULL,
    rule_title TEXT NOT NULL,
    level TEXT NOT NULL,
    event_id BLOB NOT NULL,           -- 16 bytes, big endian
    time INTEGER NOT NULL,
    host TEXT NOT NULL,
    found INTEGER NOT NULL
) STRICT;
CREATE INDEX hits_rule ON hits (rule_id, number);
CREATE INDEX hits_host ON hits (host, number);
CREATE INDEX hits_level ON hits (level, number);
CREATE INDEX hits_time ON hits (time);
CREATE INDEX hits_event ON hits (event_id);

-- `hits`: number of the last hit, never reset, so that a cursor stays good over a rebuild;
-- `detect`: position of the last event that detect has finished.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('hits', 0), ('detect', 0);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    bytes_read INTEGER NOT NULL,
    bytes_total INTEGER,
    stored INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    issues INTEGER NOT NULL,
    started INTEGER NOT NULL,
    finished INTEGER,
    message TEXT,
    keep_other INTEGER NOT NULL,
    node TEXT NOT NULL,
    counts TEXT NOT NULL              -- JSON object of Counts
) STRICT;
CREATE INDEX jobs_started ON jobs (started, id);

CREATE TABLE dead_letters (
    number INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    position TEXT NOT NULL,
    reason TEXT NOT NULL,
    record TEXT,
    at INTEGER NOT NULL,
    job_id TEXT
) STRICT;
CREATE INDEX dead_letters_job ON dead_letters (job_id, number);
-- An import that goes on after a restart reads its file from the start.
CREATE UNIQUE INDEX dead_letters_once ON dead_letters (job_id, source, position, reason) WHERE job_id IS NOT NULL;
