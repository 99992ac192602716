// The other ends of an entity's edges: the last seen first; ties by type, direction (0 out, 1 in) and id.
// params: id, hosts (null: all), edges (empty: all), outgoing, incoming, from, to: milliseconds, limit
// returns other: id of the neighbour, last: milliseconds
MATCH (n:Entity {id: $id})
CALL (n) {
  MATCH (n)-[r]->(m:Entity) WHERE $outgoing RETURN r, m, 0 AS direction
  UNION ALL
  MATCH (n)<-[r]-(m:Entity) WHERE $incoming RETURN r, m, 1 AS direction
}
WITH r, m, direction, coalesce(r.of, type(r)) AS edge
WHERE (size($edges) = 0 OR edge IN $edges)
  AND (($hosts IS NULL AND r.of IS NULL) OR (r.host IN $hosts AND (r.other = '' OR r.other IN $hosts)))
WITH edge, direction, m.id AS other, min(r.firstSeen) AS first, max(r.lastSeen) AS last
WHERE last >= $from AND first < $to
RETURN other, last
ORDER BY last DESC, edge, direction, other
LIMIT $limit
