// States of the indexes of this program.
// params: none; returns name, state
SHOW INDEXES YIELD name, state
WHERE name STARTS WITH 'graph_' OR name STARTS WITH 'catalog_'
RETURN name, state
