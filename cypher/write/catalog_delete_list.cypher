// Deletes a part of what stands in lists.
// params: lists, most; returns how many are gone
MATCH (n:Catalog) WHERE n.list IN $lists AND n.number IS NOT NULL
WITH n LIMIT $most
DELETE n
RETURN count(*) AS count
