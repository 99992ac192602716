// Parts of lists, both ends included.
// params: rows of {at: number of the row, list, from, to}; returns at, properties
UNWIND $rows AS row
MATCH (n:Catalog) WHERE n.list = row.list AND n.number >= row.from AND n.number <= row.to
RETURN row.at AS at, properties(n) AS all
