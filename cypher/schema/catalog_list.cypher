// Lists of one kind, in order.
// params: none; returns nothing
CREATE INDEX catalog_list IF NOT EXISTS FOR (n:Catalog) ON (n.list, n.number)
