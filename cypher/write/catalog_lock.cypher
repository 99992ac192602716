// Takes a node's lock until the end of the transaction, and makes the node if it is missing. Writers queue here.
// params: key; returns its properties
MERGE (n:Catalog {key: $key})
SET n.lock = 1
RETURN properties(n) AS all
