// Says whose graph this is, where nobody has said so yet.
// params: prefix; returns prefix: that of whose it is
MATCH (c:GraphCheckpoint {name: 'graph'})
SET c.lock = 1, c.prefix = coalesce(c.prefix, $prefix)
RETURN c.prefix AS prefix
