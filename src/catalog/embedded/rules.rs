//! Rules by id.
use crate::{
    catalog::RuleVersion,
    error::Result,
    event::{Time, detection::Rule},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const COLUMNS: &str = "SELECT id, version, title, level, status, description, tags, logsource, text, origin, enabled, \
                       refused, loaded FROM rules";

pub fn put(db: &Connection, rules: &[Rule]) -> Result<u64> {
    let mut statement = db.prepare_cached(
        "INSERT INTO rules (id, version, title, level, status, description, tags, logsource, text, origin, enabled,
                            refused, loaded)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, title = excluded.title, level = excluded.level,
             status = excluded.status, description = excluded.description, tags = excluded.tags,
             logsource = excluded.logsource, text = excluded.text, origin = excluded.origin,
             refused = excluded.refused, loaded = excluded.loaded
         WHERE (version, title, level, status, description, tags, logsource, text, origin, refused)
             IS NOT (excluded.version, excluded.title, excluded.level, excluded.status, excluded.description,
                     excluded.tags, excluded.logsource, excluded.text, excluded.origin, excluded.refused)",
    )?;
    let mut changed = 0;
    for r in rules {
        let tags = serde_json::to_string(&r.tags)?;
        changed += statement.execute(params![
            r.id,
            r.version,
            r.title,
            r.level,
            r.status,
            r.description,
            tags,
            r.logsource,
            r.text,
            r.origin,
            r.enabled,
            r.refused,
            r.loaded.0
        ])?;
    }
    if changed > 0 {
        touch(db)?;
    }
    Ok(changed as u64)
}

pub fn judge(db: &Connection, rules: &[Rule]) -> Result<u64> {
    let mut statement =
        db.prepare_cached("UPDATE rules SET refused = ?3 WHERE id = ?1 AND version = ?2 AND refused IS NOT ?3")?;
    let mut changed = 0;
    for r in rules {
        changed += statement.execute(params![r.id, r.version, r.refused])?;
    }
    if changed > 0 {
        touch(db)?;
    }
    Ok(changed as u64)
}

pub fn all(db: &Connection) -> Result<Vec<Rule>> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} ORDER BY title, id"))?;
    statement.query_and_then([], rule)?.collect()
}

pub fn by_id(db: &Connection, id: &str) -> Result<Option<Rule>> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
    statement.query_and_then([id], rule)?.next().transpose()
}

pub fn versions(db: &Connection, id: &str) -> Result<Vec<RuleVersion>> {
    let mut statement = db.prepare_cached(
        "SELECT version, title, text, origin, loaded FROM rule_versions WHERE rule_id = ?1 ORDER BY number DESC",
    )?;
    let version = |row: &Row<'_>| {
        Ok(RuleVersion {
            version: row.get(0)?,
            title: row.get(1)?,
            text: row.get(2)?,
            origin: row.get(3)?,
            loaded: Time(row.get(4)?),
        })
    };
    Ok(statement.query_map([id], version)?.collect::<rusqlite::Result<_>>()?)
}

fn rule(row: &Row<'_>) -> Result<Rule> {
    Ok(Rule {
        id: row.get(0)?,
        version: row.get(1)?,
        title: row.get(2)?,
        level: row.get(3)?,
        status: row.get(4)?,
        description: row.get(5)?,
        tags: serde_json::from_str(&row.get::<_, String>(6)?)?,
        logsource: row.get(7)?,
        text: row.get(8)?,
        origin: row.get(9)?,
        enabled: row.get(10)?,
        refused: row.get(11)?,
        loaded: Time(row.get(12)?),
    })
}

pub fn enable(db: &Connection, id: &str, enabled: bool) -> Result<bool> {
    let found = db.execute("UPDATE rules SET enabled = ?2 WHERE id = ?1", params![id, enabled])? > 0;
    touch(db)?;
    Ok(found)
}

pub fn delete(db: &Connection, id: &str) -> Result<bool> {
    let found = db.execute("DELETE FROM rules WHERE id = ?1", [id])? > 0;
    touch(db)?;
    Ok(found)
}

/// Counts a change; see [`version`].
pub fn touch(db: &Connection) -> Result<()> {
    db.execute(
        "INSERT INTO counters (name, value) VALUES ('rules', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
        [],
    )?;
    Ok(())
}

pub fn version(db: &Connection) -> Result<u64> {
    let mut statement = db.prepare_cached("SELECT value FROM counters WHERE name = 'rules'")?;
    let version: Option<i64> = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(version.map_or(0, super::db::from_sql))
}
