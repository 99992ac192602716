// Stored relations of edges that a batch speaks of: the one of all hosts, and those of the hosts asked. Both ends are
// sought first, so that of a node with many relations only those to the other end are looked at.
// params: rows of {n: number of the row, from, type, to, hosts}
// returns n, element, of (null: all hosts together), host, other, first, last, said
UNWIND $rows AS row
MATCH (a:Entity {id: row.from})-[r]->(b:Entity {id: row.to})
USING INDEX a:Entity(id)
USING INDEX b:Entity(id)
WHERE type(r) = row.type OR (type(r) = 'REPORTED' AND r.of = row.type AND r.host IN row.hosts)
RETURN row.n AS n, elementId(r) AS element, r.of AS of, r.host AS host, r.other AS other,
  r.firstSeen AS first, r.lastSeen AS last, r.said AS said
