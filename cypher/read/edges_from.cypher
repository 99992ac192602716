// Edges that begin at entities, as the caller sees them.
// params: ids, hosts (null: all); returns source, edge, target, rows: what each host that the caller sees says of it
UNWIND $ids AS source
MATCH (n:Entity {id: source})-[r]->(m:Entity)
WHERE ($hosts IS NULL AND r.of IS NULL) OR (r.host IN $hosts AND (r.other = '' OR r.other IN $hosts))
RETURN source, coalesce(r.of, type(r)) AS edge, m.id AS target,
  collect({first: r.firstSeen, last: r.lastSeen, said: r.said}) AS rows
