// Names of the constraints of this program.
// params: none; returns name, state (none)
SHOW CONSTRAINTS YIELD name
WHERE name STARTS WITH 'graph_' OR name STARTS WITH 'catalog_'
RETURN name, null AS state
