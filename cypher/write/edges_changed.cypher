// Replaces the properties of relations. A list of ids is sought one by one whatever the planner knows of the graph.
// params: elements: element ids, rows: every property by element id; returns nothing
MATCH ()-[r]->() WHERE elementId(r) IN $elements
SET r = $rows[elementId(r)]
