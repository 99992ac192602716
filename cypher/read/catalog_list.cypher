// A list, upwards.
// params: list, after: exclusive, limit; returns properties
MATCH (n:Catalog) WHERE n.list = $list AND n.number > $after
RETURN properties(n) AS all ORDER BY n.list, n.number LIMIT $limit
