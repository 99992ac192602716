//! Alerts: grown by hits, changed by people. Both take a new change number.
use super::{
    db::{from_sql, to_sql},
    hits::{Where, counter, set_counter},
};
use crate::{
    catalog::{
        Alert, AlertChange, AlertFilter, AlertGroup, AlertPage, AlertStatus, AuditEntry, Comment, StoredHit,
        grouping::{self, Latest, Left, Numbers, Standing},
    },
    error::{Error, Result},
    event::{Scope, Time, detection::Hit, normal_host},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter, types::Value};
use std::collections::BTreeMap;

const COLUMNS: &str = "SELECT number, id, change, rule_id, host, since, until, title, level, first_hit, last_hit, hits,
                              status, reason, assignee, tags, last_id, touched, reopened, gone, lost FROM alerts";

fn numbers(db: &Connection) -> Result<Numbers> {
    Ok(Numbers { alerts: counter(db, "alerts")?, changes: counter(db, "alert_changes")? })
}

fn set_numbers(db: &Connection, numbers: Numbers) -> Result<()> {
    set_counter(db, "alerts", numbers.alerts)?;
    set_counter(db, "alert_changes", numbers.changes)
}

/// Adds new hits to the alerts that they belong to; part of the transaction that stores them, which began behind the change
/// `begun`.
pub fn grow(db: &Connection, stored: &[StoredHit], begun: u64) -> Result<()> {
    let before = numbers(db)?;
    let mut now = before;
    for ((rule, host), hits) in grouping::pairs(stored, |s| &s.hit) {
        let mut of_pair = of_pair(db, &rule, &host)?;
        for entry in grouping::grow(&mut of_pair, &hits, begun, &mut now)? {
            audit(db, &entry)?;
        }
        for standing in of_pair.iter().filter(|s| s.alert.change > before.changes) {
            put(db, standing)?;
        }
    }
    set_numbers(db, now)
}

/// Those that are gone too.
fn of_pair(db: &Connection, rule: &str, host: &str) -> Result<Vec<Standing>> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} WHERE rule_id = ?1 AND host = ?2"))?;
    statement.query_and_then([rule, host], standing)?.collect()
}

fn put(db: &Connection, Standing { alert: a, last_id, touched }: &Standing) -> Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT INTO alerts (number, id, change, rule_id, host, since, until, title, level, first_hit, last_hit, hits,
                             status, reason, assignee, tags, last_id, touched, reopened, gone, lost)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
         ON CONFLICT (id) DO UPDATE SET number = excluded.number, change = excluded.change, until = excluded.until, title = excluded.title,
             level = excluded.level, first_hit = excluded.first_hit, last_hit = excluded.last_hit, hits = excluded.hits,
             status = excluded.status, reason = excluded.reason, assignee = excluded.assignee, tags = excluded.tags,
             last_id = excluded.last_id, touched = excluded.touched, reopened = excluded.reopened, gone = excluded.gone,
             lost = excluded.lost",
    )?;
    statement.execute(params![
        to_sql(a.number),
        a.id,
        to_sql(a.change),
        a.rule_id,
        a.host,
        a.since.0,
        a.until.map(|t| t.0),
        a.title,
        a.level,
        a.first_hit.map(|t| t.0),
        a.last_hit.map(|t| t.0),
        to_sql(a.hits),
        a.status.as_str(),
        a.reason,
        a.assignee,
        serde_json::to_string(&a.tags)?,
        last_id,
        touched,
        to_sql(a.reopened),
        a.gone,
        to_sql(a.lost)
    ])?;
    Ok(())
}

/// Counts the alerts anew that hits were withdrawn from, given by rule, host and time. One that has no hit left and that
/// nobody has worked on is gone.
pub fn shrink(db: &Connection, gone: &[(String, String, Time)]) -> Result<()> {
    let mut places = BTreeMap::new();
    for (rule, host, time) in gone {
        let of_pair = of_pair(db, rule, host)?;
        let since = grouping::since(&of_pair, *time);
        places.extend(
            of_pair.into_iter().filter(|s| s.alert.since == since && !s.alert.gone).map(|s| (s.alert.number, s)),
        );
    }
    let mut now = numbers(db)?;
    for mut standing in places.into_values() {
        let left = left(db, &standing.alert)?;
        grouping::shrink(&mut standing, left, &mut now);
        put(db, &standing)?;
    }
    set_numbers(db, now)
}

/// The hits of an alert that are there.
fn left(db: &Connection, alert: &Alert) -> Result<Left> {
    let span = params![alert.rule_id, alert.host, alert.since.0, alert.until.map_or(i64::MAX, |t| t.0)];
    let of_span = "FROM hits WHERE rule_id = ?1 AND host = ?2 AND time > ?3 AND time <= ?4";
    let (hits, first): (i64, Option<i64>) = db
        .prepare_cached(&format!("SELECT count(*), min(time) {of_span}"))?
        .query_row(span, |r| Ok((r.get(0)?, r.get(1)?)))?;
    let latest = db
        .prepare_cached(&format!("SELECT id, time, rule_title, level {of_span} ORDER BY time DESC, id DESC LIMIT 1"))?
        .query_row(span, |r| Ok(Latest { id: r.get(0)?, time: Time(r.get(1)?), title: r.get(2)?, level: r.get(3)? }))
        .optional()?;
    Ok(Left { hits: from_sql(hits), first: first.map(Time), latest })
}

/// Forgets the hits, for a rebuild, and keeps what people did.
pub fn forget_hits(db: &Connection) -> Result<()> {
    let change = counter(db, "alert_changes")?;
    let changed = db.execute(
        "UPDATE alerts SET hits = 0, first_hit = NULL, last_hit = NULL, last_id = NULL, gone = NOT touched, change = ?1 + n
         FROM (SELECT number AS at, row_number() OVER (ORDER BY number) AS n FROM alerts WHERE NOT gone) WHERE number = at",
        [to_sql(change)],
    )?;
    set_counter(db, "alert_changes", change + changed as u64)
}

fn conditions(scope: &Scope, filter: &AlertFilter) -> Result<Where> {
    let mut w = with_gone(scope, filter)?;
    w.sql.push_str(" AND NOT gone");
    Ok(w)
}

fn with_gone(scope: &Scope, filter: &AlertFilter) -> Result<Where> {
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
    let mut alerts = alerts(db, &format!("{COLUMNS}{} ORDER BY number DESC LIMIT ?", w.sql), w.values)?;
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
    let mut w = with_gone(scope, filter)?;
    w.and("change > ?", to_sql(after));
    w.limit(max);
    alerts(db, &format!("{COLUMNS}{} ORDER BY change LIMIT ?", w.sql), w.values)
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
    let mut now = numbers(db)?;
    let mut changed = 0;
    for old in select(db, &format!("{COLUMNS}{} ORDER BY number", w.sql), w.values)? {
        let followed = match old.alert.until {
            Some(until) => db
                .prepare_cached("SELECT 1 FROM alerts WHERE rule_id = ?1 AND host = ?2 AND since = ?3 AND NOT gone")?
                .exists(params![old.alert.rule_id, old.alert.host, until.0])?,
            None => false,
        };
        let mut new = grouping::changed(&old.alert, wanted, at, followed);
        if new == old.alert {
            continue;
        }
        changed += 1;
        new.change = now.change();
        let detail = grouping::difference(&old.alert, &new);
        audit(db, &AuditEntry { at, ..AuditEntry::new(by, "updateAlert", &new.id, &detail) })?;
        put(db, &Standing { alert: new, touched: true, ..old })?;
    }
    set_numbers(db, now)?;
    Ok(changed)
}

/// `false` when there is no such alert in the scope.
pub fn comment(db: &Connection, scope: &Scope, alert_id: &str, comment: &Comment) -> Result<bool> {
    let mut w = Where::scope(scope)?;
    w.and("NOT gone AND id = ?", alert_id.to_owned());
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

/// The alert that a hit belongs to, unless it is gone.
pub fn of_hit(db: &Connection, scope: &Scope, hit: &Hit) -> Result<Option<Alert>> {
    if !scope.allows(&hit.host) {
        return Ok(None);
    }
    let of_pair = of_pair(db, &hit.rule_id, &hit.host)?;
    let since = grouping::since(&of_pair, hit.time);
    Ok(of_pair.into_iter().map(|s| s.alert).find(|a| a.since == since && !a.gone))
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

fn alerts(db: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<Alert>> {
    Ok(select(db, sql, values)?.into_iter().map(|s| s.alert).collect())
}

fn select(db: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<Standing>> {
    let mut statement = db.prepare_cached(sql)?;
    statement.query_and_then(params_from_iter(values), standing)?.collect()
}

fn standing(row: &Row<'_>) -> Result<Standing> {
    let status: String = row.get(12)?;
    let alert = Alert {
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
        reopened: from_sql(row.get(18)?),
        gone: row.get(19)?,
        lost: from_sql(row.get(20)?),
    };
    Ok(Standing { alert, last_id: row.get(16)?, touched: row.get(17)? })
}
