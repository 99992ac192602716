// Alerts, newest made first.
// params: list, hosts in scope, ids, statuses, levels, rule, host, assignee, tag, from, to, text (each may be null: any);
//   before: number, exclusive; limit
// returns properties
MATCH (n:Catalog) WHERE n.list = $list AND n.number < $before
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
RETURN properties(n) AS all ORDER BY n.list DESC, n.number DESC LIMIT $limit
