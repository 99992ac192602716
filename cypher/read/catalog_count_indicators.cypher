// Number of indicators.
// params: list; of (null: of any import), kind, text (folded), ended, lasting (times; each may be null: any)
// returns count
MATCH (n:CatalogIndicator) WHERE n.list = $list AND n.number IS NOT NULL AND ($of IS NULL OR n.of = $of)
  AND ($kind IS NULL OR n.kind = $kind)
  AND ($text IS NULL OR n.folded CONTAINS $text)
  AND ($ended IS NULL OR n.valid_until <= $ended)
  AND ($lasting IS NULL OR n.valid_until IS NULL OR n.valid_until > $lasting)
RETURN count(*) AS count
