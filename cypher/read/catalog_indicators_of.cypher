// Indicators of an import in the order of storing.
// params: list, of; kind, text (folded), ended, lasting (times; each may be null: any); after: exclusive; limit
// returns properties
MATCH (n:CatalogIndicator)
USING INDEX n:CatalogIndicator(of, number)
WHERE n.of = $of AND n.number > $after AND n.list = $list
  AND ($kind IS NULL OR n.kind = $kind)
  AND ($text IS NULL OR n.folded CONTAINS $text)
  AND ($ended IS NULL OR n.valid_until <= $ended)
  AND ($lasting IS NULL OR n.valid_until IS NULL OR n.valid_until > $lasting)
RETURN properties(n) AS all ORDER BY n.of, n.number LIMIT $limit
