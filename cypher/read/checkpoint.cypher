// Where the graph stands.
// params: none; returns version of the layout, generation: it grows with every clear, prefix: whose graph it is
MATCH (c:GraphCheckpoint {name: 'graph'})
RETURN c.version AS version, c.generation AS generation, c.prefix AS prefix
