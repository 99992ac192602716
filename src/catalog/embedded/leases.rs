//! Leases: who does a work that only one process may do.
use crate::{error::Result, event::Time};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::time::Duration;

pub fn take(db: &Connection, name: &str, owner: &str, life: Duration, force: bool) -> Result<Option<u64>> {
    let now = Time::now().0;
    let until = now.saturating_add(i64::try_from(life.as_millis()).unwrap_or(i64::MAX));
    let mut statement = db.prepare_cached(
        "INSERT INTO leases (name, owner, until, epoch) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT (name) DO UPDATE SET epoch = epoch + (owner <> excluded.owner), owner = excluded.owner,
             until = excluded.until
         WHERE owner = excluded.owner OR until <= ?4 OR ?5
         RETURNING epoch",
    )?;
    let epoch: Option<i64> =
        statement.query_row(params![name, owner, until, now, force], |row| row.get(0)).optional()?;
    Ok(epoch.map(super::db::from_sql))
}

pub fn release(db: &Connection, name: &str, owner: &str) -> Result<()> {
    db.execute("UPDATE leases SET until = 0 WHERE name = ?1 AND owner = ?2", [name, owner])?;
    Ok(())
}
