// Deletes the graph piece by piece; runs outside of a transaction.
// params: none; returns nothing
MATCH (n) WHERE n:Entity OR n:Sighting OR n:Flow
CALL (n) {
  DETACH DELETE n
} IN TRANSACTIONS OF 5000 ROWS
