// The graph is empty: writers may go on.
// params: none; returns nothing
MATCH (c:GraphCheckpoint {name: 'graph'})
SET c.clearing = false
