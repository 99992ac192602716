// Makes the checkpoint of a new graph.
// params: version of the layout; returns version: that of the graph found or made
MERGE (c:GraphCheckpoint {name: 'graph'})
ON CREATE SET c.version = $version, c.position = '', c.generation = 1, c.clearing = false, c.lock = 0
RETURN c.version AS version
