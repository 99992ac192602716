// Parts of lists, both ends included.
// params: rows of {at: number of the row, list, from, to}; most: nodes of each; returns at, properties
UNWIND $rows AS row
CALL (row) {
  MATCH (n:Catalog) WHERE n.list = row.list AND n.number >= row.from AND n.number <= row.to
  RETURN properties(n) AS all LIMIT $most
}
RETURN row.at AS at, all
