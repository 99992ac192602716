// Small things by order and then id.
// params: list; ids, groups (each may be null: any); from, upto: of the order, both included; order, id: exclusive; limit
// returns properties
MATCH (n:Catalog) WHERE n.list = $list AND n.number >= $from AND n.number <= $upto
  AND ($ids IS NULL OR n.id IN $ids)
  AND ($groups IS NULL OR n.group IN $groups)
  AND (n.number > $order OR (n.number = $order AND n.id > $id))
RETURN properties(n) AS all ORDER BY n.list, n.number, n.id LIMIT $limit
