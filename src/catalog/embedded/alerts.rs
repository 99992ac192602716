//! Alerts: grown by hits, changed by people. Both take a new change number.
use super::{
    db::{from_sql, to_sql},
    hits::{Where, counter, set_counter},
};
use crate::{
    catalog::{Alert, AlertChange, AlertFilter, AlertGroup, AlertPage, AlertStatus, AuditEntry, Comment, StoredHit},
    error::{Error, Result},
    event::{Scope, Time, detection::Hit, normal_host},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter, types::Value};
use std::collections::{BTreeMap, BTreeSet};

const COLUMNS: &str = "SELECT number, id, change, rule_id, host, since, until, title, level, first_hit, last_hit, hits,
                              status, reason, assignee, tags FROM alerts";

/// `since` of the first alert of a rule and host; also in `6.sql`.
const START: i64 = -i64::MAX;

/// What new hits add to one alert.
struct Grown<'a> {
    latest: &'a Hit,
    first: Time,
    hits: u64,
}

/// Adds new hits to the alerts that they belong to; part of the transaction that stores them.
pub fn grow(db: &Connection, stored: &[StoredHit]) -> Result<()> {
    let mut pairs = BTreeMap::<(&str, &str), Vec<&Hit>>::new();
    for StoredHit { hit, .. } in stored {
        pairs.entry((&hit.rule_id, &hit.host)).or_default().push(hit);
    }
    let (mut number, mut change) = (counter(db, "alerts")?, counter(db, "alert_changes")?);
    for ((rule, host), hits) in pairs {
        let spans = spans(db, rule, host)?;
        let mut grown = BTreeMap::<i64, Grown<'_>>::new();
        for hit in hits {
            let g = grown.entry(since(&spans, hit.time)).or_insert(Grown { latest: hit, first: hit.time, hits: 0 });
            g.hits += 1;
            g.first = g.first.min(hit.time);
            if (hit.time, &hit.id) > (g.latest.time, &g.latest.id) {
                g.latest = hit;
            }
        }
        for (since, g) in grown {
            change += 1;
            let is_new = !spans.iter().any(|s| s.0 == since);
            number += u64::from(is_new);
            upsert(db, (number, change), since, &g)?;
        }
    }
    set_counter(db, "alerts", number)?;
    set_counter(db, "alert_changes", change)
}

/// (since, until) of the alerts of a rule and host, in the order of time.
fn spans(db: &Connection, rule: &str, host: &str) -> Result<Vec<(i64, Option<i64>)>> {
    let mut statement =
        db.prepare_cached("SELECT since, until FROM alerts WHERE rule_id = ?1 AND host = ?2 ORDER BY since")?;
    statement.query_and_then([rule, host], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
}

/// Which alert of a rule and host a time belongs to, by its `since`: one that may have to be made.
fn since(spans: &[(i64, Option<i64>)], time: Time) -> i64 {
    let ended = spans.iter().filter_map(|s| s.1).filter(|until| *until < time.0);
    ended.max().unwrap_or(START)
}

fn upsert(db: &Connection, (number, change): (u64, u64), since: i64, g: &Grown<'_>) -> Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT INTO alerts (number, id, change, rule_id, host, since, title, level, first_hit, last_hit, last_id, hits,
                             status)
         VALUES (?1, json_array(?3, ?4, ?5), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'new')
         ON CONFLICT (rule_id, host, since) DO UPDATE SET
            change = excluded.change,
            hits = hits + excluded.hits,
            first_hit = min(ifnull(first_hit, excluded.first_hit), excluded.first_hit),
            title = CASE WHEN last_hit IS NULL OR (last_hit, last_id) < (excluded.last_hit, excluded.last_id)
                         THEN excluded.title ELSE title END,
            level = CASE WHEN last_hit IS NULL OR (last_hit, last_id) < (excluded.last_hit, excluded.last_id)
                         THEN excluded.level ELSE level END,
            last_id = CASE WHEN last_hit IS NULL OR (last_hit, last_id) < (excluded.last_hit, excluded.last_id)
                           THEN excluded.last_id ELSE last_id END,
            last_hit = max(ifnull(last_hit, excluded.last_hit), excluded.last_hit)",
    )?;
    let hit = g.latest;
    statement.execute(params![
        to_sql(number),
        to_sql(change),
        hit.rule_id,
        hit.host,
        since,
        hit.rule_title,
        hit.level,
        g.first.0,
        hit.time.0,
        hit.id,
        to_sql(g.hits)
    ])?;
    Ok(())
}

/// Counts the alerts anew that hits were withdrawn from, given by rule, host and time. One that has no hit left and that
/// nobody has worked on is gone.
pub fn shrink(db: &Connection, gone: &[(String, String, Time)]) -> Result<()> {
    let mut places = BTreeSet::new();
    for (rule, host, time) in gone {
        places.insert((rule, host, since(&spans(db, rule, host)?, *time)));
    }
    let mut change = counter(db, "alert_changes")?;
    let mut update = db.prepare_cached(
        "UPDATE alerts SET change = ?4,
            (hits, first_hit) = (SELECT count(*), min(time) FROM hits h WHERE h.rule_id = ?1 AND h.host = ?2
                                 AND time > ?3 AND time <= ifnull(until, time)),
            (last_hit, last_id) = (NULL, NULL)
         WHERE rule_id = ?1 AND host = ?2 AND since = ?3",
    )?;
    let mut latest = db.prepare_cached(
        "UPDATE alerts SET (title, level, last_hit, last_id) = (h.rule_title, h.level, h.time, h.id)
         FROM (SELECT * FROM hits WHERE rule_id = ?1 AND host = ?2 AND time > ?3 AND time <= ifnull(
                   (SELECT until FROM alerts a WHERE a.rule_id = ?1 AND a.host = ?2 AND a.since = ?3), time)
               ORDER BY time DESC, id DESC LIMIT 1) AS h
         WHERE alerts.rule_id = ?1 AND alerts.host = ?2 AND alerts.since = ?3",
    )?;
    for (rule, host, since) in places {
        change += 1;
        update.execute(params![rule, host, since, to_sql(change)])?;
        latest.execute(params![rule, host, since])?;
    }
    db.execute("DELETE FROM alerts WHERE hits = 0 AND NOT touched", [])?;
    set_counter(db, "alert_changes", change)
}

/// Forgets the hits, for a rebuild, and keeps what people did.
pub fn forget_hits(db: &Connection) -> Result<()> {
    db.execute("DELETE FROM alerts WHERE NOT touched", [])?;
    db.execute("UPDATE alerts SET hits = 0, first_hit = NULL, last_hit = NULL, last_id = NULL", [])?;
    Ok(())
}

fn conditions(scope: &Scope, filter: &AlertFilter) -> Result<Where> {
    let mut w = Where::scope(scope)?;
    if let Some(ids) = &filter.ids {
        w.and("id IN (SELECT value FROM json_each(?))", serde_json::to_string(ids)?);
    }
    if !filter.statuses.is_empty() {
        w.and("status IN (SELECT value FROM json_each(?))", serde_json::to_string(&filter.statuses)?);
    }
    if !filter.levels.is_empty() {
        w.and("level IN (SELECT value FROM json_each(?))", serde_json::to_string(&filter.levels)?);
    }
    if let Some(rule) = &filter.rule_id {
        w.and("rule_id = ?", rule.clone());
    }
    if let Some(host) = &filter.host {
        w.and("host = ?", normal_host(host));
    }
    if let Some(assignee) = &filter.assignee {
        w.and("ifnull(assignee, '') = ?", assignee.clone());
    }
    if let Some(tag) = &filter.tag {
        w.and("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", tag.clone());
    }
    if let Some(from) = filter.period.from {
        w.and("last_hit >= ?", from.0);
    }
    if let Some(to) = filter.period.to {
        w.and("first_hit < ?", to.0);
    }
    if let Some(text) = &filter.text {
        w.and("instr(lower(title || char(10) || rule_id || char(10) || host), lower(?)) > 0", text.clone());
    }
    Ok(w)
}

pub fn page(
    db: &Connection,
    scope: &Scope,
    filter: &AlertFilter,
    before: Option<u64>,
    first: usize,
) -> Result<AlertPage> {
    let mut w = conditions(scope, filter)?;
    if let Some(before) = before {
        w.and("number < ?", to_sql(before));
    }
    w.limit(first.saturating_add(1));
    let mut alerts = select(db, &format!("{COLUMNS}{} ORDER BY number DESC LIMIT ?", w.sql), w.values)?;
    let more = alerts.len() > first;
    alerts.truncate(first);
    Ok(AlertPage { alerts, more })
}

pub fn since_change(
    db: &Connection,
    scope: &Scope,
    filter: &AlertFilter,
    after: u64,
    max: usize,
) -> Result<Vec<Alert>> {
    let mut w = conditions(scope, filter)?;
    w.and("change > ?", to_sql(after));
    w.limit(max);
    select(db, &format!("{COLUMNS}{} ORDER BY change LIMIT ?", w.sql), w.values)
}

pub fn newest_change(db: &Connection) -> Result<u64> {
    counter(db, "alert_changes")
}

pub fn count(db: &Connection, scope: &Scope, filter: &AlertFilter) -> Result<u64> {
    let w = conditions(scope, filter)?;
    let mut statement = db.prepare_cached(&format!("SELECT count(*) FROM alerts{}", w.sql))?;
    Ok(from_sql(statement.query_row(params_from_iter(w.values), |r| r.get(0))?))
}

pub fn per(db: &Connection, scope: &Scope, filter: &AlertFilter, by: AlertGroup) -> Result<Vec<(String, u64)>> {
    let mut w = conditions(scope, filter)?;
    let (key, order) = match by {
        AlertGroup::Rule => ("rule_id", "n DESC, k"),
        AlertGroup::Host => ("host", "n DESC, k"),
        AlertGroup::Day => ("strftime('%Y-%m-%d', first_hit / 1000, 'unixepoch')", "k"),
    };
    if by == AlertGroup::Day {
        w.sql.push_str(" AND first_hit IS NOT NULL");
    }
    let sql = format!("SELECT {key} AS k, count(*) AS n FROM alerts{} GROUP BY k ORDER BY {order}", w.sql);
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_and_then(params_from_iter(w.values), |r| Ok((r.get(0)?, from_sql(r.get(1)?))))?;
    rows.collect()
}

pub fn update(
    db: &Connection,
    scope: &Scope,
    filter: &AlertFilter,
    wanted: &AlertChange,
    by: &str,
    at: Time,
) -> Result<u64> {
    let w = conditions(scope, filter)?;
    let mut change = counter(db, "alert_changes")?;
    let mut changed = 0;
    for alert in select(db, &format!("{COLUMNS}{} ORDER BY number", w.sql), w.values)? {
        let new = changed_alert(db, &alert, wanted, at)?;
        if new == alert {
            continue;
        }
        change += 1;
        changed += 1;
        let mut statement = db.prepare_cached(
            "UPDATE alerts SET change = ?2, until = ?3, status = ?4, reason = ?5, assignee = ?6, tags = ?7, touched = 1
             WHERE number = ?1",
        )?;
        statement.execute(params![
            to_sql(new.number),
            to_sql(change),
            new.until.map(|t| t.0),
            new.status.as_str(),
            new.reason,
            new.assignee,
            serde_json::to_string(&new.tags)?
        ])?;
        let detail = |a: &Alert| {
            let (status, reason, assignee, tags) = (a.status, &a.reason, &a.assignee, &a.tags);
            serde_json::json!({"status": status, "reason": reason, "assignee": assignee, "tags": tags})
        };
        let detail = serde_json::json!({"from": detail(&alert), "to": detail(&new)});
        audit(db, &AuditEntry { at, ..AuditEntry::new(by, "updateAlert", &alert.id, &detail) })?;
    }
    set_counter(db, "alert_changes", change)?;
    Ok(changed)
}

fn changed_alert(db: &Connection, alert: &Alert, wanted: &AlertChange, at: Time) -> Result<Alert> {
    let mut new = alert.clone();
    if let Some((status, reason)) = &wanted.status {
        new.status = *status;
        new.reason = reason.clone().filter(|_| *status == AlertStatus::Closed);
        match (*status == AlertStatus::Closed, alert.until) {
            // A hit that belongs here keeps belonging here, also when it comes late.
            (true, None) => new.until = Some(alert.last_hit.unwrap_or(at)),
            // Later hits belong to it again, unless they have an alert of their own.
            (false, Some(until)) => {
                let mut after =
                    db.prepare_cached("SELECT 1 FROM alerts WHERE rule_id = ?1 AND host = ?2 AND since = ?3")?;
                if !after.exists(params![alert.rule_id, alert.host, until.0])? {
                    new.until = None;
                }
            }
            _ => {}
        }
    }
    if let Some(assignee) = &wanted.assignee {
        new.assignee = Some(assignee.clone()).filter(|a| !a.is_empty());
    }
    new.tags.retain(|t| !wanted.remove_tags.contains(t));
    new.tags.extend(wanted.add_tags.iter().cloned());
    new.tags.sort();
    new.tags.dedup();
    Ok(new)
}

/// `false` when there is no such alert in the scope.
pub fn comment(db: &Connection, scope: &Scope, alert_id: &str, comment: &Comment) -> Result<bool> {
    let mut w = Where::scope(scope)?;
    w.and("id = ?", alert_id.to_owned());
    let sql = format!("SELECT number FROM alerts{}", w.sql);
    let found: Option<i64> = db.query_row(&sql, params_from_iter(w.values), |r| r.get(0)).optional()?;
    let Some(number) = found else { return Ok(false) };
    let change = counter(db, "alert_changes")? + 1;
    db.execute("UPDATE alerts SET change = ?2, touched = 1 WHERE number = ?1", params![number, to_sql(change)])?;
    set_counter(db, "alert_changes", change)?;
    db.execute(
        "INSERT INTO alert_comments (alert_id, by, at, text) VALUES (?1, ?2, ?3, ?4)",
        params![alert_id, comment.by, comment.at.0, comment.text],
    )?;
    let said = serde_json::json!({"text": comment.text});
    audit(db, &AuditEntry { at: comment.at, ..AuditEntry::new(&comment.by, "commentAlert", alert_id, &said) })?;
    Ok(true)
}

pub fn comments(db: &Connection, scope: &Scope, alert_id: &str) -> Result<Vec<Comment>> {
    let mut w = Where::scope(scope)?;
    w.and("alerts.id = ?", alert_id.to_owned());
    let mut statement = db.prepare_cached(&format!(
        "SELECT c.by, c.at, c.text FROM alerts JOIN alert_comments c ON c.alert_id = alerts.id{} ORDER BY c.number",
        w.sql
    ))?;
    let row = |r: &Row<'_>| Ok(Comment { by: r.get(0)?, at: Time(r.get(1)?), text: r.get(2)? });
    statement.query_and_then(params_from_iter(w.values), row)?.collect()
}

/// The alert that a hit belongs to.
pub fn of_hit(db: &Connection, scope: &Scope, hit: &Hit) -> Result<Option<Alert>> {
    if !scope.allows(&hit.host) {
        return Ok(None);
    }
    let since = since(&spans(db, &hit.rule_id, &hit.host)?, hit.time);
    let values: Vec<Value> = vec![hit.rule_id.clone().into(), hit.host.clone().into(), since.into()];
    let sql = format!("{COLUMNS} WHERE rule_id = ? AND host = ? AND since = ?");
    Ok(select(db, &sql, values)?.pop())
}

pub fn audit(db: &Connection, entry: &AuditEntry) -> Result<()> {
    let mut statement =
        db.prepare_cached("INSERT INTO audit (at, by, action, object, detail) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    statement.execute(params![entry.at.0, entry.by, entry.action, entry.object, entry.detail])?;
    Ok(())
}

pub fn audit_log(db: &Connection, before: Option<u64>, first: usize) -> Result<Vec<AuditEntry>> {
    let mut statement = db.prepare_cached(
        "SELECT number, at, by, action, object, detail FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
    )?;
    let before = before.map_or(i64::MAX, to_sql);
    let entry = |r: &Row<'_>| {
        Ok(AuditEntry {
            number: from_sql(r.get(0)?),
            at: Time(r.get(1)?),
            by: r.get(2)?,
            action: r.get(3)?,
            object: r.get(4)?,
            detail: r.get(5)?,
        })
    };
    statement.query_and_then(params![before, to_sql(first as u64)], entry)?.collect()
}

fn select(db: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<Alert>> {
    let mut statement = db.prepare_cached(sql)?;
    statement.query_and_then(params_from_iter(values), alert)?.collect()
}

fn alert(row: &Row<'_>) -> Result<Alert> {
    let status: String = row.get(12)?;
    Ok(Alert {
        number: from_sql(row.get(0)?),
        id: row.get(1)?,
        change: from_sql(row.get(2)?),
        rule_id: row.get(3)?,
        host: row.get(4)?,
        since: Time(row.get(5)?),
        until: row.get::<_, Option<i64>>(6)?.map(Time),
        title: row.get(7)?,
        level: row.get(8)?,
        first_hit: row.get::<_, Option<i64>>(9)?.map(Time),
        last_hit: row.get::<_, Option<i64>>(10)?.map(Time),
        hits: from_sql(row.get(11)?),
        status: AlertStatus::parse(&status)
            .ok_or_else(|| Error::internal(format!("'{status}' is no status of an alert")))?,
        reason: row.get(13)?,
        assignee: row.get(14)?,
        tags: serde_json::from_str(&row.get::<_, String>(15)?)?,
    })
}
