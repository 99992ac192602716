-- Alerts: the hits of one rule on one host in a span of event time, since < time <= until. Spans of a pair never overlap.
CREATE TABLE alerts (
    number INTEGER PRIMARY KEY,       -- order of making
    id TEXT NOT NULL UNIQUE,          -- follows from rule, host and since, so that a rebuild makes the same one
    change INTEGER NOT NULL UNIQUE,   -- number of its last change: the cursor of who follows
    rule_id TEXT NOT NULL,
    host TEXT NOT NULL,
    since INTEGER NOT NULL,           -- until of the alert before it; the least number for the first one
    until INTEGER,                    -- time of its last hit when it was closed; NULL: goes on
    title TEXT NOT NULL,              -- title and level of the latest hit, by time and then id
    level TEXT NOT NULL,
    first_hit INTEGER,                -- NULL while a rebuild has not found its hits yet
    last_hit INTEGER,
    last_id TEXT,
    hits INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    assignee TEXT,
    tags TEXT NOT NULL DEFAULT '[]',  -- JSON array, sorted
    touched INTEGER NOT NULL DEFAULT 0,  -- people have worked on it: a rebuild keeps it
    UNIQUE (rule_id, host, since)
) STRICT;
CREATE INDEX alerts_host ON alerts (host, number);
CREATE INDEX alerts_status ON alerts (status, number);

CREATE TABLE alert_comments (
    number INTEGER PRIMARY KEY,
    alert_id TEXT NOT NULL,
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX alert_comments_alert ON alert_comments (alert_id, number);

CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL              -- JSON object of what changed
) STRICT;

-- Hits that are there already.
INSERT INTO alerts (number, id, change, rule_id, host, since, title, level, first_hit, last_hit, last_id, hits, status)
SELECT row_number() OVER (ORDER BY first_number), json_array(rule_id, host, -9223372036854775807),
       row_number() OVER (ORDER BY first_number), rule_id, host, -9223372036854775807, rule_title, level,
       first_hit, time, id, hits, 'new'
FROM (SELECT rule_id, host, rule_title, level, time, id,
             min(time) OVER pair AS first_hit, count(*) OVER pair AS hits, min(number) OVER pair AS first_number,
             row_number() OVER (PARTITION BY rule_id, host ORDER BY time DESC, id DESC) AS place
      FROM hits WINDOW pair AS (PARTITION BY rule_id, host))
WHERE place = 1;
INSERT INTO counters SELECT 'alerts', count(*) FROM alerts;
INSERT INTO counters SELECT 'alert_changes', count(*) FROM alerts;
