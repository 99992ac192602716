// Makes relations. `type` is that of the edge, or REPORTED for what one of several hosts says of it.
// params: rows of {from, type, to, all: every property}; returns nothing
UNWIND $rows AS row
MATCH (a:Entity {id: row.from})
MATCH (b:Entity {id: row.to})
CREATE (a)-[r:$(row.type)]->(b)
SET r = row.all
