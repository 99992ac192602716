// Who started processes, and when.
// params: ids, hosts (null: all); returns process, other: the parent, first, last
UNWIND $ids AS process
MATCH (n:Entity {id: process})<-[r:SPAWNED|REPORTED]-(m:Entity)
WHERE coalesce(r.of, type(r)) = 'SPAWNED'
  AND (($hosts IS NULL AND r.of IS NULL) OR (r.host IN $hosts AND (r.other = '' OR r.other IN $hosts)))
RETURN process, m.id AS other, min(r.firstSeen) AS first, max(r.lastSeen) AS last
