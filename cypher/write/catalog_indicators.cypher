// Makes indicators.
// params: rows of every property; returns nothing
UNWIND $rows AS row
CREATE (n:CatalogIndicator)
SET n = row
