// Taken first by every writing transaction: writers queue here, so that none meets another's lock later. The epoch of the
// writer's lease takes the place of an older one.
// params: fence; returns clearing: whether somebody began to clear the graph and has not finished, fence: the greatest epoch
MATCH (c:GraphCheckpoint {name: 'graph'})
SET c.lock = 1
WITH c
SET c.fence = CASE WHEN coalesce(c.fence, 0) < $fence THEN $fence ELSE coalesce(c.fence, 0) END
RETURN c.clearing AS clearing, c.fence AS fence
