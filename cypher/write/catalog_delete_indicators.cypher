// Deletes a part of the indicators of an import.
// params: of, most; returns how many are gone
MATCH (n:CatalogIndicator) WHERE n.of = $of AND n.number IS NOT NULL
WITH n LIMIT $most
DELETE n
RETURN count(*) AS count
