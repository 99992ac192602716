-- Schema version 10 of the catalog: small things by kind and id, and hits that a rebuild has found again.
CREATE TABLE items (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    grp TEXT NOT NULL,
    ord INTEGER NOT NULL,
    body TEXT NOT NULL,               -- JSON
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_order ON items (kind, grp, ord, id);

-- Hits that were there before a rebuild: found again, they are no news.
CREATE TABLE known_hits (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
ALTER TABLE hits ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
