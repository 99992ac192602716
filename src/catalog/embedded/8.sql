-- Schema version 8 of the catalog: hits say which fields came from the start of a process.
ALTER TABLE hits ADD COLUMN joined TEXT NOT NULL DEFAULT '[]';   -- JSON: names of fields
