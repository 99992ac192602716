// Deletes the indicators of an import.
// params: of; returns nothing
MATCH (n:CatalogIndicator) WHERE n.of = $of AND n.number IS NOT NULL
DELETE n
