// Deletes the indicators of an import whose numbers lie in a range.
// params: of, from, to: behind the last; returns nothing
MATCH (n:CatalogIndicator) WHERE n.of = $of AND n.number >= $from AND n.number < $to
DELETE n
