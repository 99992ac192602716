// Length of a list.
// params: list; returns count
MATCH (n:Catalog) WHERE n.list = $list AND n.number IS NOT NULL
RETURN count(*) AS count
