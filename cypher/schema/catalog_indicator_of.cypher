// Indicators of an import.
// params: none; returns nothing
CREATE INDEX catalog_indicator_of IF NOT EXISTS FOR (n:CatalogIndicator) ON (n.of, n.number)
