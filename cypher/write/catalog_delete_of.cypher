// Deletes what belongs to one thing.
// params: of; returns nothing
MATCH (n:Catalog) WHERE n.of = $of AND n.number IS NOT NULL
DELETE n
