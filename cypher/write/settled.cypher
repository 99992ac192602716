// How far the graph is for certain. The server shows a change piece by piece; its lock is held until all of it is there, so
// who takes the lock sees it whole. Changes nothing: the value is there already.
// params: none; returns position
MATCH (c:GraphCheckpoint {name: 'graph'})
SET c.lock = 1
RETURN c.position AS position
