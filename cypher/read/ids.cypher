// All entities, page by page.
// params: after: id, limit; returns id
MATCH (n:Entity) WHERE n.id > $after
RETURN n.id AS id ORDER BY id LIMIT $limit
