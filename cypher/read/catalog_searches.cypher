// Saved searches of a user and those that are shared.
// params: list, user; returns properties
MATCH (n:Catalog) WHERE n.list = $list AND n.number IS NOT NULL AND (n.owner_id = $user OR n.shared)
RETURN properties(n) AS all
