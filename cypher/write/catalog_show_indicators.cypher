// Gives the indicators of an import, which lie ready, their place in the list.
// params: of, list; returns nothing
MATCH (n:CatalogIndicator) WHERE n.of = $of AND n.number IS NOT NULL
SET n.list = $list
