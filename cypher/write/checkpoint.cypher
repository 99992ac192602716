// Moves the checkpoint, in the transaction of its batch.
// params: position; returns nothing
MATCH (c:GraphCheckpoint {name: 'graph'})
SET c.position = $position
