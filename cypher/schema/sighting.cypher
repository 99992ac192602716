// What one host says of an entity that several hosts report: one node per entity and host.
// params: none; returns nothing
CREATE CONSTRAINT graph_sighting IF NOT EXISTS FOR (s:Sighting) REQUIRE s.id IS UNIQUE
