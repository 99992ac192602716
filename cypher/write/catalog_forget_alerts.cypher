// Alerts without their hits, for a rebuild: those that people have worked on stay.
// params: list; returns nothing
MATCH (n:Catalog) WHERE n.list = $list AND n.number IS NOT NULL
SET n.hits = 0
REMOVE n.first_hit, n.last_hit, n.last_id
WITH n WHERE NOT n.touched
DELETE n
