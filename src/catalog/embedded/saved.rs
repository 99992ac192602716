//! Saved searches.
use super::db::from_sql;
use crate::{
    catalog::{MAX_SAVED, SavedSearch},
    error::{Code, Error, Result},
    event::{Period, Time},
};
use rusqlite::{Connection, Row, params};

pub fn of_user(db: &Connection, user_id: &str) -> Result<Vec<SavedSearch>> {
    let mut statement = db.prepare_cached(
        "SELECT s.id, s.name, s.owner_id, u.name, s.shared, s.condition, s.last, s.from_time, s.to_time, s.updated
         FROM saved_searches s JOIN users u ON u.id = s.owner_id
         WHERE s.owner_id = ?1 OR s.shared ORDER BY s.name, s.id",
    )?;
    statement.query_and_then([user_id], search)?.collect()
}

fn search(row: &Row<'_>) -> Result<SavedSearch> {
    let time = |i| Ok::<_, Error>(row.get::<_, Option<i64>>(i)?.map(Time));
    Ok(SavedSearch {
        id: row.get(0)?,
        name: row.get(1)?,
        owner_id: row.get(2)?,
        owner_name: row.get(3)?,
        shared: row.get(4)?,
        condition: row.get(5)?,
        last: row.get(6)?,
        period: Period { from: time(7)?, to: time(8)? },
        updated: Time(row.get(9)?),
    })
}

pub fn put(db: &Connection, s: &SavedSearch, is_new: bool) -> Result<()> {
    let own: i64 =
        db.query_row("SELECT count(*) FROM saved_searches WHERE owner_id = ?1", [&s.owner_id], |r| r.get(0))?;
    if is_new && from_sql(own) >= MAX_SAVED {
        return Err(Error::new(Code::TooMany, format!("more than {MAX_SAVED} saved searches: delete some first")));
    }
    let sql = if is_new {
        "INSERT INTO saved_searches (id, owner_id, name, shared, condition, last, from_time, to_time, updated)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    } else {
        "UPDATE saved_searches SET name = ?3, shared = ?4, condition = ?5, last = ?6, from_time = ?7, to_time = ?8,
                                   updated = ?9
         WHERE id = ?1 AND owner_id = ?2"
    };
    let (from, to) = (s.period.from.map(|t| t.0), s.period.to.map(|t| t.0));
    let values = params![s.id, s.owner_id, s.name, s.shared, s.condition, s.last, from, to, s.updated.0];
    if db.execute(sql, values)? == 0 {
        return Err(Error::not_found("the caller has no such saved search"));
    }
    Ok(())
}

pub fn delete(db: &Connection, id: &str, owner_id: &str) -> Result<bool> {
    Ok(db.execute("DELETE FROM saved_searches WHERE id = ?1 AND owner_id = ?2", [id, owner_id])? > 0)
}
