// Edges per type; what single hosts say of a common edge is not counted again.
// params: none; returns name of the type, n
MATCH (:Entity)-[r]->(:Entity) WHERE r.of IS NULL
// One that is deleted meanwhile has no type any more.
WITH type(r) AS name WHERE name IS NOT NULL
RETURN name, count(*) AS n
