// Kept views of connections around some times.
// params: rows of {tuple, from, to: milliseconds}; returns tuple, initiator, time, process: entity, host
UNWIND $rows AS row
MATCH (f:Flow {tuple: row.tuple})
WHERE row.from <= f.time <= row.to
RETURN f.tuple AS tuple, f.initiator AS initiator, f.time AS time, f.process AS process, f.host AS host
