// Finds the sightings of an entity.
// params: none; returns nothing
CREATE INDEX graph_sighting_entity IF NOT EXISTS FOR (s:Sighting) ON (s.entity)
