// Finds processes of a host that other hosts report too. `hostKey` is a hash: names may be longer than an index allows.
// params: none; returns nothing
CREATE INDEX graph_sighting_host IF NOT EXISTS FOR (s:Sighting) ON (s.hostKey, s.kind)
