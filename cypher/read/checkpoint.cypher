// Where the graph stands.
// params: none; returns position, generation: it grows with every clear
MATCH (c:GraphCheckpoint {name: 'graph'})
RETURN c.position AS position, c.generation AS generation
