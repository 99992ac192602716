-- Schema version 11 of the catalog: which number a hit had that a rebuild has found again, and where the rebuild began; alerts that are
-- gone stay, so that those who follow are told; and how often a late hit has opened one again.
-- A hit's `again` is its first number, or 0. Those that were found again earlier have 1: no news to anybody.
ALTER TABLE known_hits ADD COLUMN number INTEGER NOT NULL DEFAULT 1;
INSERT INTO counters VALUES ('hits_floor', 0);
ALTER TABLE alerts ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
