// Deletes a piece of the graph.
// params: most; returns how many nodes are gone
MATCH (n) WHERE n:Entity OR n:Sighting OR n:Flow
WITH n LIMIT $most
DETACH DELETE n
RETURN count(*) AS count
