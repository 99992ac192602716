// Waits until all indexes answer.
// params: seconds; returns nothing
CALL db.awaitIndexes($seconds)
