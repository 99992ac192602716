// A second thing that no two nodes may share: the name of a user, whatever its case.
// params: none; returns nothing
CREATE CONSTRAINT catalog_name IF NOT EXISTS FOR (n:Catalog) REQUIRE n.unique IS UNIQUE
