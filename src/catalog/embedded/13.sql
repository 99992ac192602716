-- Schema version 13 of the catalog: all numbers that a hit had before rebuilds, as who follows may have read up to any of them.
CREATE TABLE former_numbers (
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (id, number)
) STRICT, WITHOUT ROWID;
INSERT INTO former_numbers SELECT id, number FROM known_hits;
DROP TABLE known_hits;
ALTER TABLE hits DROP COLUMN again;
