// Finds the other side of a connection.
// params: none; returns nothing
CREATE INDEX graph_flow_tuple IF NOT EXISTS FOR (f:Flow) ON (f.tuple)
