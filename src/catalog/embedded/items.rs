//! Small things by kind and id.
use super::{
    alerts,
    db::{from_sql, to_sql},
};
use crate::{
    catalog::{AuditEntry, Item, ItemChange, ItemFilter, ItemKind},
    error::Result,
};
use rusqlite::{Connection, params, params_from_iter, types::Value};

fn conditions(filter: &ItemFilter) -> Result<(String, Vec<Value>)> {
    let mut sql = " WHERE kind = ?".to_owned();
    let mut values: Vec<Value> = vec![filter.kind.as_str().to_owned().into()];
    let mut and = |part: &str, value: Value| {
        sql.push_str(part);
        values.push(value);
    };
    if let Some(ids) = &filter.ids {
        and(" AND id IN (SELECT value FROM json_each(?))", serde_json::to_string(ids)?.into());
    }
    if let Some(groups) = &filter.groups {
        and(" AND grp IN (SELECT value FROM json_each(?))", serde_json::to_string(groups)?.into());
    }
    if let Some(from) = filter.from {
        and(" AND ord >= ?", from.into());
    }
    if let Some(upto) = filter.upto {
        and(" AND ord <= ?", upto.into());
    }
    Ok((sql, values))
}

pub fn page(db: &Connection, filter: &ItemFilter, after: Option<(i64, String)>, first: usize) -> Result<Vec<Item>> {
    let (mut sql, mut values) = conditions(filter)?;
    if let Some((order, id)) = after {
        sql.push_str(" AND (ord, id) > (?, ?)");
        values.extend([order.into(), id.into()]);
    }
    values.push(to_sql(first as u64).into());
    let sql = format!("SELECT id, grp, ord, body FROM items{sql} ORDER BY ord, id LIMIT ?");
    let mut statement = db.prepare_cached(&sql)?;
    let kind = filter.kind;
    let rows = statement.query_and_then(params_from_iter(values), |r| {
        Ok(Item { kind, id: r.get(0)?, group: r.get(1)?, order: r.get(2)?, body: r.get(3)? })
    })?;
    rows.collect()
}

pub fn count(db: &Connection, kind: ItemKind) -> Result<Vec<(String, u64)>> {
    let mut statement =
        db.prepare_cached("SELECT grp, count(*) FROM items WHERE kind = ?1 GROUP BY grp ORDER BY grp")?;
    let rows = statement.query_and_then([kind.as_str()], |r| Ok((r.get(0)?, from_sql(r.get(1)?))))?;
    rows.collect()
}

pub fn change(db: &Connection, changes: &[ItemChange], audit: &[AuditEntry]) -> Result<()> {
    let put = |item: &Item, on_conflict: &str| -> Result<()> {
        let sql = format!("INSERT INTO items (kind, id, grp, ord, body) VALUES (?1, ?2, ?3, ?4, ?5) {on_conflict}");
        let mut statement = db.prepare_cached(&sql)?;
        statement.execute(params![item.kind.as_str(), item.id, item.group, item.order, item.body])?;
        Ok(())
    };
    for change in changes {
        match change {
            ItemChange::Put(item) => put(
                item,
                "ON CONFLICT (kind, id) DO UPDATE SET grp = excluded.grp, ord = excluded.ord, body = excluded.body",
            )?,
            ItemChange::Add(item) => put(item, "ON CONFLICT (kind, id) DO NOTHING")?,
            ItemChange::Remove(filter) => {
                let (sql, values) = conditions(filter)?;
                db.prepare_cached(&format!("DELETE FROM items{sql}"))?.execute(params_from_iter(values))?;
            }
        }
    }
    audit.iter().try_for_each(|entry| alerts::audit(db, entry))
}
