// One side's view of a connection, kept so that both sides meet in TALKED_TO.
// params: none; returns nothing
CREATE CONSTRAINT graph_flow IF NOT EXISTS FOR (f:Flow) REQUIRE f.id IS UNIQUE
