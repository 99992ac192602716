// Finds the processes of a host by the time that they were first seen.
// params: none; returns nothing
CREATE INDEX graph_process_host IF NOT EXISTS FOR (n:Process) ON (n.hostKey, n.firstSeen)
