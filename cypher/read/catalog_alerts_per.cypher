// Alerts per rule, host, or UTC day of the first hit.
// params: list, hosts in scope, ids, statuses, levels, rule, host, assignee, tag, from, to, text (each may be null: any);
//   by: rule, host or day
// returns name (null: an alert without a hit has no day) and count
MATCH (n:Catalog) WHERE n.list = $list AND n.number > 0
  AND NOT coalesce(n.gone, false)
  AND ($hosts IS NULL OR n.host IN $hosts)
  AND ($ids IS NULL OR n.id IN $ids)
  AND ($statuses IS NULL OR n.status IN $statuses)
  AND ($levels IS NULL OR n.level IN $levels)
  AND ($rule IS NULL OR n.rule_id = $rule)
  AND ($host IS NULL OR n.host = $host)
  AND ($assignee IS NULL OR coalesce(n.assignee, '') = $assignee)
  AND ($tag IS NULL OR $tag IN n.tags)
  AND ($from IS NULL OR n.last_hit >= $from)
  AND ($to IS NULL OR n.first_hit < $to)
  AND ($text IS NULL OR n.text CONTAINS $text)
WITH CASE
    WHEN $by = 'rule' THEN n.rule_id
    WHEN $by = 'host' THEN n.host
    WHEN n.first_hit IS NULL THEN null
    ELSE toString(date(datetime({epochMillis: n.first_hit})))
  END AS name
RETURN name, count(*) AS count
