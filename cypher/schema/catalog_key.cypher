// Every node of a catalog has a key, which follows from the catalog, its kind and what names it.
// params: none; returns nothing
CREATE CONSTRAINT catalog_key IF NOT EXISTS FOR (n:Catalog) REQUIRE n.key IS UNIQUE
