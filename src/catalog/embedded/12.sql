-- Schema version 12 of the catalog: how often an alert was gone because its hits were withdrawn, so that webhooks are told when
-- there is one again.
ALTER TABLE alerts ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
