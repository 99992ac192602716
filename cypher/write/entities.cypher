// Makes or replaces entities.
// params: rows of {id, kind: label, all: every property}; returns nothing
UNWIND $rows AS row
MERGE (n:Entity {id: row.id})
SET n = row.all
SET n:$(row.kind)
