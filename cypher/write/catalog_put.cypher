// Makes or replaces nodes.
// params: rows of {key, label, all: every property}; returns nothing
UNWIND $rows AS row
MERGE (n:Catalog {key: row.key})
SET n = row.all
SET n:$(row.label)
