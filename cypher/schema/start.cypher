// Makes the checkpoint of a new graph.
// params: version of the layout; returns nothing
MERGE (c:GraphCheckpoint {name: 'graph'})
ON CREATE SET c.version = $version, c.position = '', c.generation = 1, c.clearing = false, c.lock = 0
