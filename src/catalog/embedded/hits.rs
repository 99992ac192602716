//! Hits in the order of storing, and the checkpoint of detect.
use super::{
    alerts,
    db::{from_sql, to_sql},
};
use crate::{
    catalog::{HitFilter, HitPage, MAX_FORMER, StoredHit},
    error::{Error, Result},
    event::{EventId, Position, Scope, Time, detection::Hit, normal_host},
};
use rusqlite::{Connection, Row, params, params_from_iter, types::Value};

const COLUMNS: &str = "SELECT number, id, rule_id, rule_version, rule_title, level, event_id, time, host, found, matched, joined, (SELECT group_concat(number) FROM former_numbers f WHERE f.id = hits.id), (SELECT value FROM counters WHERE name = 'hits_floor') FROM hits";

/// After those that are `withdrawn`, by id, are gone.
pub fn put(db: &Connection, hits: Vec<Hit>, withdrawn: &[String], upto: &Position) -> Result<Vec<StoredHit>> {
    let before = counter(db, "alert_changes")?;
    withdraw(db, withdrawn)?;
    let (mut number, floor) = (counter(db, "hits")?, counter(db, "hits_floor")?);
    let mut statement = db.prepare_cached(
        "INSERT INTO hits (number, id, rule_id, rule_version, rule_title, level, event_id, time, host, found, matched,
                           joined)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let mut former = db.prepare_cached("SELECT group_concat(number) FROM former_numbers WHERE id = ?1")?;
    // What was not known before, when its process was not.
    let mut said = db.prepare_cached(
        "UPDATE hits SET matched = ?2, joined = ?3 WHERE id = ?1 AND (matched <> ?2 OR joined <> ?3)",
    )?;
    let mut stored = Vec::new();
    for hit in hits {
        let event_id = hit.event_id.0.to_be_bytes();
        let values = params![
            to_sql(number + 1),
            hit.id,
            hit.rule_id,
            hit.rule_version,
            hit.rule_title,
            hit.level,
            event_id,
            hit.time.0,
            hit.host,
            hit.found.0,
            serde_json::to_string(&hit.matched)?,
            serde_json::to_string(&hit.joined)?
        ];
        if statement.execute(values)? > 0 {
            number += 1;
            let again = numbers(former.query_row([&hit.id], |r| r.get(0))?);
            stored.push(StoredHit { number, hit, again, floor });
        } else {
            said.execute(params![hit.id, serde_json::to_string(&hit.matched)?, serde_json::to_string(&hit.joined)?])?;
        }
    }
    set_counter(db, "hits", number)?;
    alerts::grow(db, &stored, before)?;
    let mut position = checkpoint(db)?;
    if position.merge(upto) {
        db.prepare_cached("UPDATE checkpoints SET position = ?1 WHERE name = 'detect'")?
            .execute([position.to_string()])?;
    }
    Ok(stored)
}

fn withdraw(db: &Connection, ids: &[String]) -> Result<()> {
    let mut statement = db.prepare_cached("DELETE FROM hits WHERE id = ?1 RETURNING rule_id, host, time")?;
    let mut gone = Vec::new();
    for id in ids {
        let rows = statement.query_map([id], |r| Ok((r.get(0)?, r.get(1)?, Time(r.get(2)?))))?;
        gone.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    alerts::shrink(db, &gone)
}

/// Numbers never go back.
pub fn set_counter(db: &Connection, name: &str, value: u64) -> Result<()> {
    let mut statement = db.prepare_cached("UPDATE counters SET value = max(value, ?2) WHERE name = ?1")?;
    statement.execute(params![name, to_sql(value)])?;
    Ok(())
}

pub fn counter(db: &Connection, name: &str) -> Result<u64> {
    let mut statement = db.prepare_cached("SELECT value FROM counters WHERE name = ?1")?;
    Ok(from_sql(statement.query_row([name], |r| r.get(0))?))
}

pub fn checkpoint(db: &Connection) -> Result<Position> {
    let mut statement = db.prepare_cached("SELECT position FROM checkpoints WHERE name = 'detect'")?;
    let text: String = statement.query_row([], |r| r.get(0))?;
    Position::parse(&text)
}

pub fn clear(db: &Connection) -> Result<()> {
    db.execute("INSERT OR IGNORE INTO former_numbers (id, number) SELECT id, number FROM hits", [])?;
    let oldest = "DELETE FROM former_numbers WHERE (id, number) IN (SELECT id, number FROM (
                      SELECT id, number, row_number() OVER (PARTITION BY id ORDER BY number DESC) AS n FROM former_numbers)
                  WHERE n > ?1)";
    db.execute(oldest, [to_sql(MAX_FORMER as u64)])?;
    set_counter(db, "hits_floor", counter(db, "hits")?)?;
    db.execute("DELETE FROM hits", [])?;
    alerts::forget_hits(db)?;
    super::correlated::clear(db)?;
    db.execute("UPDATE checkpoints SET position = '' WHERE name = 'detect'", [])?;
    Ok(())
}

/// The WHERE clause of a scope and a filter, with the values it needs.
pub struct Where {
    pub sql: String,
    pub values: Vec<Value>,
}

impl Where {
    /// The clause of a scope, over a column `host`.
    pub fn scope(scope: &Scope) -> Result<Self> {
        let mut w = Self { sql: " WHERE 1".into(), values: Vec::new() };
        // As one JSON array, because a scope may name more hosts than a statement has parameters.
        if let Scope::Hosts(hosts) = scope {
            w.and("host IN (SELECT value FROM json_each(?))", serde_json::to_string(&**hosts)?);
        }
        Ok(w)
    }

    fn new(scope: &Scope, filter: &HitFilter) -> Result<Self> {
        let mut w = Self::scope(scope)?;
        if let Some(rule) = &filter.rule_id {
            w.and("rule_id = ?", rule.clone());
        }
        if let Some(host) = &filter.host {
            w.and("host = ?", normal_host(host));
        }
        if !filter.levels.is_empty() {
            w.and("level IN (SELECT value FROM json_each(?))", serde_json::to_string(&filter.levels)?);
        }
        if let Some(from) = filter.period.from {
            w.and("time >= ?", from.0);
        }
        if let Some(to) = filter.period.to {
            w.and("time < ?", to.0);
        }
        Ok(w)
    }

    pub fn and(&mut self, sql: &str, value: impl Into<Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.push(value.into());
    }

    pub fn limit(&mut self, rows: usize) {
        self.values.push(i64::try_from(rows).unwrap_or(i64::MAX).into());
    }
}

pub fn since(db: &Connection, scope: &Scope, filter: &HitFilter, after: u64, max: usize) -> Result<Vec<StoredHit>> {
    let mut w = Where::new(scope, filter)?;
    w.and("number > ?", to_sql(after));
    w.limit(max);
    select(db, &format!("{COLUMNS}{} ORDER BY number LIMIT ?", w.sql), w.values)
}

pub fn page(db: &Connection, scope: &Scope, filter: &HitFilter, before: Option<u64>, first: usize) -> Result<HitPage> {
    let mut w = Where::new(scope, filter)?;
    if let Some(before) = before {
        w.and("number < ?", to_sql(before));
    }
    w.limit(first.saturating_add(1));
    let mut hits = select(db, &format!("{COLUMNS}{} ORDER BY number DESC LIMIT ?", w.sql), w.values)?;
    let more = hits.len() > first;
    hits.truncate(first);
    Ok(HitPage { hits, more })
}

pub fn count(db: &Connection, scope: &Scope, filter: &HitFilter) -> Result<u64> {
    let w = Where::new(scope, filter)?;
    let mut statement = db.prepare_cached(&format!("SELECT count(*) FROM hits{}", w.sql))?;
    Ok(from_sql(statement.query_row(params_from_iter(w.values), |r| r.get(0))?))
}

/// Time of the newest event that a rule has hit.
pub fn last(db: &Connection, scope: &Scope, rule_id: &str) -> Result<Option<Time>> {
    let w = Where::new(scope, &HitFilter { rule_id: Some(rule_id.to_owned()), ..HitFilter::default() })?;
    let mut statement = db.prepare_cached(&format!("SELECT max(time) FROM hits{}", w.sql))?;
    let time: Option<i64> = statement.query_row(params_from_iter(w.values), |r| r.get(0))?;
    Ok(time.map(Time))
}

/// Hits per value of a column.
pub fn per(db: &Connection, column: &'static str, scope: &Scope, filter: &HitFilter) -> Result<Vec<(String, u64)>> {
    let w = Where::new(scope, filter)?;
    let sql = format!("SELECT {column}, count(*) AS n FROM hits{} GROUP BY {column} ORDER BY n DESC, {column}", w.sql);
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_and_then(params_from_iter(w.values), |r| Ok((r.get(0)?, from_sql(r.get(1)?))))?;
    rows.collect()
}

pub fn of_events(db: &Connection, scope: &Scope, ids: &[EventId]) -> Result<Vec<Vec<Hit>>> {
    let sql = format!("{COLUMNS} WHERE event_id = ?1 ORDER BY number");
    ids.iter()
        .map(|id| {
            let found = select(db, &sql, vec![id.0.to_be_bytes().to_vec().into()])?;
            Ok(found.into_iter().map(|s| s.hit).filter(|h| scope.allows(&h.host)).collect())
        })
        .collect()
}

fn select(db: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<StoredHit>> {
    let mut statement = db.prepare_cached(sql)?;
    statement.query_and_then(params_from_iter(values), stored_hit)?.collect()
}

/// As SQLite joins them.
fn numbers(joined: Option<String>) -> Vec<u64> {
    let mut all: Vec<u64> = joined.iter().flat_map(|j| j.split(',')).filter_map(|n| n.parse().ok()).collect();
    all.sort_unstable();
    all
}

fn stored_hit(row: &Row<'_>) -> Result<StoredHit> {
    let event_id: Vec<u8> = row.get(6)?;
    let event_id: [u8; 16] = event_id.try_into().map_err(|_| Error::internal("an event id is not 16 bytes long"))?;
    Ok(StoredHit {
        number: from_sql(row.get(0)?),
        hit: Hit {
            id: row.get(1)?,
            rule_id: row.get(2)?,
            rule_version: row.get(3)?,
            rule_title: row.get(4)?,
            level: row.get(5)?,
            event_id: EventId(u128::from_be_bytes(event_id)),
            time: Time(row.get(7)?),
            host: row.get(8)?,
            found: Time(row.get(9)?),
            matched: serde_json::from_str(&row.get::<_, String>(10)?)?,
            joined: serde_json::from_str(&row.get::<_, String>(11)?)?,
        },
        again: numbers(row.get(12)?),
        floor: from_sql(row.get(13)?),
    })
}
