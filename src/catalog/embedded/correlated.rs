//! What correlations keep: the events that their members have matched, by group and time.
use super::db::to_sql;
use crate::{
    error::{Error, Result},
    event::{
        EventId, Time,
        correlated::{Change, Kept, Sighting, Stretch},
    },
};
use rusqlite::{Connection, Row, params};

pub fn kept(db: &Connection, stretches: &[Stretch], most: usize) -> Result<Vec<Kept>> {
    let mut seen = db.prepare_cached(
        "SELECT time, event_id, member, source, vals FROM correlated_seen
         WHERE grp = ?1 AND time BETWEEN ?2 AND ?3 ORDER BY time, event_id, member, source LIMIT ?4",
    )?;
    let mut fired = db.prepare_cached(
        "SELECT time, event_id FROM correlated_fired
         WHERE grp = ?1 AND time BETWEEN ?2 AND ?3 ORDER BY time, event_id LIMIT ?4",
    )?;
    let one = |s: &Stretch| {
        let stretch = params![s.group.to_be_bytes(), s.from.0, s.to.0, to_sql(most as u64).saturating_add(1)];
        let key = |row: &Row<'_>| Ok((Time(row.get(0)?), EventId(number(row.get(1)?)?)));
        let mut kept = Kept {
            seen: seen.query_and_then(stretch, sighting)?.collect::<Result<_>>()?,
            fired: fired.query_and_then(stretch, key)?.collect::<Result<_>>()?,
            more: false,
        };
        kept.cut(most);
        Ok(kept)
    };
    stretches.iter().map(one).collect()
}

fn sighting(row: &Row<'_>) -> Result<Sighting> {
    Ok(Sighting {
        time: Time(row.get(0)?),
        event_id: EventId(number(row.get(1)?)?),
        member: row.get(2)?,
        source: number(row.get(3)?)?,
        values: serde_json::from_str(&row.get::<_, String>(4)?)?,
    })
}

fn number(bytes: Vec<u8>) -> Result<u128> {
    if bytes.is_empty() {
        return Ok(0);
    }
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| Error::internal("a key is not 16 bytes long"))?;
    Ok(u128::from_be_bytes(bytes))
}

fn source(s: &Sighting) -> Vec<u8> {
    if s.source == 0 { Vec::new() } else { s.source.to_be_bytes().to_vec() }
}

pub fn put(db: &Connection, changes: &[Change]) -> Result<()> {
    let mut group = db.prepare_cached("INSERT OR IGNORE INTO correlated_groups VALUES (?1, ?2, ?3)")?;
    let mut came = db.prepare_cached("INSERT OR REPLACE INTO correlated_seen VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut went = db.prepare_cached(
        "DELETE FROM correlated_seen WHERE grp = ?1 AND time = ?2 AND event_id = ?3 AND member = ?4 AND source = ?5",
    )?;
    let mut fired = db.prepare_cached("INSERT OR IGNORE INTO correlated_fired VALUES (?1, ?2, ?3)")?;
    let mut unfired =
        db.prepare_cached("DELETE FROM correlated_fired WHERE grp = ?1 AND time = ?2 AND event_id = ?3")?;
    for change in changes {
        let key = change.group.key().to_be_bytes();
        group.execute(params![key, change.group.rule_id, change.group.rule_version])?;
        for s in &change.went {
            went.execute(params![key, s.time.0, s.event_id.0.to_be_bytes(), s.member, source(s)])?;
        }
        for s in &change.came {
            let values = serde_json::to_string(&s.values)?;
            came.execute(params![key, s.time.0, s.event_id.0.to_be_bytes(), s.member, source(s), values])?;
        }
        for (time, id) in &change.unfired {
            unfired.execute(params![key, time.0, id.0.to_be_bytes()])?;
        }
        for (time, id) in &change.fired {
            fired.execute(params![key, time.0, id.0.to_be_bytes()])?;
        }
    }
    Ok(())
}

/// Forgets all correlations but these, by id and version.
pub fn retain(db: &Connection, versions: &[(String, String)]) -> Result<()> {
    let versions = serde_json::to_string(versions)?;
    let others = "(SELECT grp FROM correlated_groups WHERE (rule_id, rule_version) NOT IN
                   (SELECT value ->> 0, value ->> 1 FROM json_each(?1)))";
    for table in ["correlated_seen", "correlated_fired", "correlated_groups"] {
        db.execute(&format!("DELETE FROM {table} WHERE grp IN {others}"), [&versions])?;
    }
    Ok(())
}

pub fn clear(db: &Connection) -> Result<()> {
    db.execute_batch("DELETE FROM correlated_seen; DELETE FROM correlated_fired; DELETE FROM correlated_groups;")?;
    Ok(())
}
