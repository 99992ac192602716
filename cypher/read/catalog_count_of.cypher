// How many belong to one thing.
// params: of; returns count
MATCH (n:Catalog) WHERE n.of = $of AND n.number IS NOT NULL
RETURN count(*) AS count
