// Small things of a kind per group.
// params: list; returns name and how many
MATCH (n:Catalog) WHERE n.list = $list AND n.number IS NOT NULL
RETURN n.group AS name, count(*) AS count ORDER BY name
