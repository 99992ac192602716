// Edges of entities per type and direction (0 out, 1 in), as the caller sees them.
// params: ids, hosts (null: all), from, to: milliseconds; returns id, edge, direction, total, inside: those in the period
UNWIND $ids AS id
MATCH (n:Entity {id: id})
CALL (n) {
  MATCH (n)-[r]->(m:Entity) RETURN r, m, 0 AS direction
  UNION ALL
  MATCH (n)<-[r]-(m:Entity) RETURN r, m, 1 AS direction
}
WITH id, r, m, direction
WHERE ($hosts IS NULL AND r.of IS NULL) OR (r.host IN $hosts AND (r.other = '' OR r.other IN $hosts))
WITH id, coalesce(r.of, type(r)) AS edge, direction, m, min(r.firstSeen) AS first, max(r.lastSeen) AS last
RETURN id, edge, direction, count(*) AS total,
  sum(CASE WHEN last >= $from AND first < $to THEN 1 ELSE 0 END) AS inside
