// Makes or replaces what single hosts say of entities.
// params: rows of {id, all: every property}; returns nothing
UNWIND $rows AS row
MERGE (s:Sighting {id: row.id})
SET s = row.all
