// Indicators in the order of storing.
// params: list; kind, text (folded), ended, lasting (times; each may be null: any); after: exclusive; limit
// returns properties
MATCH (n:CatalogIndicator) WHERE n.list = $list AND n.number > $after
  AND ($kind IS NULL OR n.kind = $kind)
  AND ($text IS NULL OR n.folded CONTAINS $text)
  AND ($ended IS NULL OR n.valid_until <= $ended)
  AND ($lasting IS NULL OR n.valid_until IS NULL OR n.valid_until > $lasting)
RETURN properties(n) AS all ORDER BY n.list, n.number LIMIT $limit
