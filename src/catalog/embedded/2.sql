-- A checkpoint is a position of the event log: part and number. Until now it was a number of the embedded log.
CREATE TABLE checkpoints (
    name TEXT PRIMARY KEY,
    position TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO checkpoints SELECT name, CASE value WHEN 0 THEN '' ELSE json_object('log', value) END FROM counters WHERE name = 'detect';
DELETE FROM counters WHERE name = 'detect';

-- Who does a work that only one process may do, and until when (milliseconds since 1970).
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL,
    epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
