// Gives the indicators of an import, which lie ready, their place in the list, or takes it from them.
// params: of, list (null: none); returns nothing
MATCH (n:CatalogIndicator) WHERE n.of = $of AND n.number IS NOT NULL
SET n.list = $list
