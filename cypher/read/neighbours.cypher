// A page of the neighbours of an entity: the last seen first; ties by type, direction (0 out, 1 in) and id.
// params: id, hosts (null: all), edges (empty: all), outgoing, incoming, from, to: milliseconds, limit, and the place
//   behind which the page begins: last (null: at the start), edge, direction, other
// returns edge, direction, other: id of the neighbour, rows: what each host that the caller sees says of the edge
MATCH (n:Entity {id: $id})
CALL (n) {
  MATCH (n)-[r]->(m:Entity) WHERE $outgoing RETURN r, m, 0 AS direction
  UNION ALL
  MATCH (n)<-[r]-(m:Entity) WHERE $incoming RETURN r, m, 1 AS direction
}
WITH r, m, direction, coalesce(r.of, type(r)) AS edge
WHERE (size($edges) = 0 OR edge IN $edges)
  AND (($hosts IS NULL AND r.of IS NULL) OR (r.host IN $hosts AND (r.other = '' OR r.other IN $hosts)))
WITH edge, direction, m, min(r.firstSeen) AS first, max(r.lastSeen) AS last, collect(r) AS rs
WHERE last >= $from AND first < $to
WITH edge, direction, m.id AS other, last, rs
WHERE $last IS NULL OR last < $last OR (last = $last AND (edge > $edge OR (edge = $edge
  AND (direction > $direction OR (direction = $direction AND other > $other)))))
WITH edge, direction, other, last, rs
ORDER BY last DESC, edge, direction, other
LIMIT $limit
RETURN edge, direction, other, [r IN rs | {first: r.firstSeen, last: r.lastSeen, said: r.said}] AS rows
ORDER BY last DESC, edge, direction, other
