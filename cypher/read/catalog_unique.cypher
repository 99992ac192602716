// The node that has a name.
// params: unique; returns its properties
MATCH (n:Catalog {unique: $unique})
RETURN properties(n) AS all
