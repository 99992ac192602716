// Processes of a host that ran in a period, by the time that the host saw them first.
// params: host: its key, from, to: milliseconds, start and other: the place behind which the page begins, limit
// returns id, first
CALL () {
  MATCH (n:Process) WHERE n.hostKey = $host AND n.firstSeen < $to AND n.lastSeen >= $from
  RETURN n.id AS id, n.firstSeen AS first
  UNION ALL
  MATCH (s:Sighting) WHERE s.hostKey = $host AND s.kind = 'Process' AND s.firstSeen < $to AND s.lastSeen >= $from
  RETURN s.entity AS id, s.firstSeen AS first
}
WITH id, first WHERE first > $start OR (first = $start AND id > $other)
RETURN id, first ORDER BY first, id LIMIT $limit
