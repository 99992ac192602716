// Gives a lease back.
// params: key, owner; returns nothing
MATCH (n:Catalog {key: $key})
SET n.lock = 1
WITH n WHERE n.owner = $owner
SET n.until = 0
