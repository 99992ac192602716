// A list, downwards; of one number the greater id first.
// params: list, before: exclusive, limit; returns properties
MATCH (n:Catalog) WHERE n.list = $list AND n.number < $before
RETURN properties(n) AS all ORDER BY n.list DESC, n.number DESC, n.id DESC LIMIT $limit
