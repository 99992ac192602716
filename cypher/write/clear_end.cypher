// The graph is empty: writers may go on.
// params: fence; returns nothing
MATCH (c:GraphCheckpoint {name: 'graph'})
SET c.lock = 1
WITH c WHERE coalesce(c.fence, 0) <= $fence
SET c.clearing = false
