// Taken first by every writing transaction: writers queue here, so that none meets another's lock later.
// params: none; returns clearing: whether somebody began to clear the graph and has not finished
MATCH (c:GraphCheckpoint {name: 'graph'})
SET c.lock = 1
RETURN c.clearing AS clearing
