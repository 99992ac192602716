// What belongs to one thing, in order: the letters of a job, the alerts of a rule and host.
// params: none; returns nothing
CREATE INDEX catalog_of IF NOT EXISTS FOR (n:Catalog) ON (n.of, n.number)
