// Takes or renews a lease by the server's clock, so that the clocks of several machines play no part.
// params: key, name, owner, life in milliseconds, force; returns epoch, nothing while another has it
MERGE (n:Catalog {key: $key})
ON CREATE SET n.owner = $owner, n.until = 0, n.epoch = 1
SET n.lock = 1
WITH n WHERE n.owner = $owner OR n.until <= timestamp() OR $force
SET n:CatalogLease, n.name = $name, n.until = timestamp() + $life,
  n.epoch = n.epoch + CASE WHEN n.owner = $owner THEN 0 ELSE 1 END
SET n.owner = $owner
RETURN n.epoch AS epoch
