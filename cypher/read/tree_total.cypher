// How many processes of a host ran in a period.
// params: host: its key, from, to: milliseconds; returns n
CALL () {
  MATCH (n:Process) WHERE n.hostKey = $host AND n.firstSeen < $to AND n.lastSeen >= $from
  RETURN count(*) AS some
  UNION ALL
  MATCH (s:Sighting) WHERE s.hostKey = $host AND s.kind = 'Process' AND s.firstSeen < $to AND s.lastSeen >= $from
  RETURN count(*) AS some
}
RETURN sum(some) AS n
