-- Schema version 3 of the catalog: indicators, and what of a rule's values an event had.
ALTER TABLE hits ADD COLUMN matched TEXT NOT NULL DEFAULT '[]';  -- JSON array

CREATE TABLE indicator_imports (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    imported INTEGER NOT NULL,
    by TEXT NOT NULL,
    indicators INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    issues INTEGER NOT NULL
) STRICT;

CREATE TABLE indicators (
    number INTEGER PRIMARY KEY,
    import_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    relation TEXT NOT NULL,
    value TEXT NOT NULL,
    folded TEXT NOT NULL,             -- value and title, for searching
    origin TEXT NOT NULL,
    title TEXT NOT NULL,
    valid_from INTEGER,
    valid_until INTEGER,
    tlp TEXT,
    rule_id TEXT NOT NULL
) STRICT;
CREATE INDEX indicators_import ON indicators (import_id, number);
CREATE INDEX indicators_kind ON indicators (kind, number);
