-- Schema version 9 of the catalog: a job is an import, or a retro-hunt.
ALTER TABLE jobs ADD COLUMN hunt TEXT;   -- JSON of Hunt; NULL for an import
CREATE INDEX jobs_hunts ON jobs (started) WHERE hunt IS NOT NULL;
