// Where the graph stands.
// params: none; returns version of the layout, position, generation: it grows with every clear
MATCH (c:GraphCheckpoint {name: 'graph'})
RETURN c.version AS version, c.position AS position, c.generation AS generation
