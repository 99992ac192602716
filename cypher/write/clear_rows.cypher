// Deletes a piece of the graph, while it is being cleared and nobody newer does it.
// params: most, fence; returns how many nodes are gone
MATCH (c:GraphCheckpoint {name: 'graph'})
SET c.lock = 1
WITH c WHERE c.clearing AND coalesce(c.fence, 0) <= $fence
MATCH (n) WHERE n:Entity OR n:Sighting OR n:Flow
WITH n LIMIT $most
DETACH DELETE n
RETURN count(*) AS count
