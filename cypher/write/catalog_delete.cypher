// Deletes nodes.
// params: rows of {key}; returns nothing
UNWIND $rows AS row
MATCH (n:Catalog {key: row.key})
DELETE n
