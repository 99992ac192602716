// What belongs to one thing, downwards.
// params: of, before: exclusive, limit; returns properties
MATCH (n:Catalog) WHERE n.of = $of AND n.number < $before
RETURN properties(n) AS all ORDER BY n.of DESC, n.number DESC LIMIT $limit
