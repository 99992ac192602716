// Deletes small things.
// params: list; ids, groups (each may be null: any); from, upto: of the order, both included; returns nothing
MATCH (n:Catalog) WHERE n.list = $list AND n.number >= $from AND n.number <= $upto
  AND ($ids IS NULL OR n.id IN $ids)
  AND ($groups IS NULL OR n.group IN $groups)
DELETE n
