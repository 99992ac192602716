// Alerts without their hits, for a rebuild: each is changed, and those that people have not worked on are gone.
// params: list, change: number of the newest change; returns count
MATCH (n:Catalog) WHERE n.list = $list AND n.number IS NOT NULL AND NOT coalesce(n.gone, false)
WITH n ORDER BY n.number
WITH collect(n) AS alerts
UNWIND range(0, size(alerts) - 1) AS at
WITH alerts[at] AS alert, at
SET alert.hits = 0, alert.change = $change + at + 1, alert.gone = NOT alert.touched
SET alert.of = CASE WHEN alert.gone THEN null ELSE alert.of END
REMOVE alert.first_hit, alert.last_hit, alert.last_id
RETURN count(*) AS count
