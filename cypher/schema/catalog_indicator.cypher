// Indicators in the order of storing; they have no key.
// params: none; returns nothing
CREATE INDEX catalog_indicator IF NOT EXISTS FOR (n:CatalogIndicator) ON (n.list, n.number)
