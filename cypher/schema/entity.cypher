// One node per thing: its id is the text form of a NodeId (`Process:6ba7...`).
// params: none; returns nothing
CREATE CONSTRAINT graph_entity IF NOT EXISTS FOR (n:Entity) REQUIRE n.id IS UNIQUE
