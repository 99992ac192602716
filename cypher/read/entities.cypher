// Entities with what all hosts together say. `host` is null where several report it.
// params: ids; returns id, host, first, last, inferred, said
UNWIND $ids AS id
MATCH (n:Entity {id: id})
RETURN id, n.host AS host, n.firstSeen AS first, n.lastSeen AS last, n.inferred AS inferred, n.said AS said
