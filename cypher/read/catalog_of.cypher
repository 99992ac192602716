// What belongs to each of several things.
// params: ofs; returns of and properties, upwards in each
UNWIND $ofs AS of
MATCH (n:Catalog) WHERE n.of = of AND n.number IS NOT NULL
RETURN of, properties(n) AS all ORDER BY n.number
