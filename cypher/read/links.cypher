// Edges around entities, without their properties.
// params: ids, hosts (null: all), edges (empty: all), outgoing, incoming, from, to: milliseconds, limit
// returns source, edge, target, first, last
UNWIND $ids AS id
MATCH (n:Entity {id: id})
CALL (n) {
  MATCH (n)-[r]->(m:Entity) WHERE $outgoing RETURN r, n.id AS source, m.id AS target
  UNION ALL
  MATCH (n)<-[r]-(m:Entity) WHERE $incoming RETURN r, m.id AS source, n.id AS target
}
WITH r, source, target, coalesce(r.of, type(r)) AS edge
WHERE (size($edges) = 0 OR edge IN $edges)
  AND (($hosts IS NULL AND r.of IS NULL) OR (r.host IN $hosts AND (r.other = '' OR r.other IN $hosts)))
WITH source, edge, target, min(r.firstSeen) AS first, max(r.lastSeen) AS last
WHERE last >= $from AND first < $to
RETURN source, edge, target, first, last
LIMIT $limit
