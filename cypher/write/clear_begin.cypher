// The graph counts as empty from here on, and cursors given before are void.
// params: none; returns nothing
MATCH (c:GraphCheckpoint {name: 'graph'})
SET c.position = '', c.generation = c.generation + 1, c.clearing = true
