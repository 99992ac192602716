-- Searches that people save.
CREATE TABLE saved_searches (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users (id),
    shared INTEGER NOT NULL,
    condition TEXT,                   -- JSON of the API's condition; NULL is every event
    last TEXT,                        -- a period that ends now
    from_time INTEGER,
    to_time INTEGER,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX saved_searches_owner ON saved_searches (owner_id);
