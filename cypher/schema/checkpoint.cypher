// There is one checkpoint.
// params: none; returns nothing
CREATE CONSTRAINT graph_checkpoint IF NOT EXISTS FOR (c:GraphCheckpoint) REQUIRE c.name IS UNIQUE
