// Alerts in the order of their last change.
// params: none; returns nothing
CREATE INDEX catalog_change IF NOT EXISTS FOR (n:Catalog) ON (n.list, n.change)
