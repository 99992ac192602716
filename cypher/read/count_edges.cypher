// Edges per type; what single hosts say of a common edge is not counted again.
// params: none; returns name of the type, n
MATCH (:Entity)-[r]->(:Entity) WHERE r.of IS NULL
RETURN type(r) AS name, count(*) AS n
