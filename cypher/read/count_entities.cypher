// Entities per kind.
// params: none; returns name of the kind, n
MATCH (n:Entity)
UNWIND [l IN labels(n) WHERE l <> 'Entity'] AS name
RETURN name, count(*) AS n
