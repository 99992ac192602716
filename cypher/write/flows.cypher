// Keeps views of connections.
// params: rows of {id, tuple, initiator, time, process: entity, host}; returns nothing
UNWIND $rows AS row
CREATE (f:Flow)
SET f = row
