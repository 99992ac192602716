// Nodes by their keys.
// params: keys; returns key and properties of those that are there
UNWIND $keys AS key
MATCH (n:Catalog {key: key})
RETURN key, properties(n) AS all
