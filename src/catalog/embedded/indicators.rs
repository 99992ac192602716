//! Imports of indicators, with their rules and issues.
use super::{
    db::{from_sql, to_sql},
    jobs, rules,
};
use crate::{
    catalog::{IndicatorFilter, StoredIndicator},
    error::{Error, Issue, Result},
    event::{
        Scope, Time,
        detection::Rule,
        indicator::{Format, Import, Indicator, Kind, Relation, Tlp},
        text,
    },
};
use rusqlite::{Connection, Row, params, params_from_iter, types::Value};

pub fn put(
    db: &Connection,
    import: &Import,
    indicators: &[Indicator],
    new_rules: &[Rule],
    issues: &[Issue],
) -> Result<()> {
    let ids: Vec<&str> = new_rules.iter().map(|r| r.id.as_str()).collect();
    clear(db, &import.id, &ids)?;
    db.execute(
        "INSERT INTO indicator_imports (id, name, format, imported, by, indicators, rules, issues)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            import.id,
            import.name,
            import.format.as_str(),
            import.imported.0,
            import.by,
            to_sql(import.indicators),
            to_sql(import.rules),
            to_sql(import.issues)
        ],
    )?;
    let mut statement = db.prepare_cached(
        "INSERT INTO indicators (import_id, kind, relation, value, folded, origin, title, valid_from, valid_until, tlp,
                                 rule_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for i in indicators {
        statement.execute(params![
            import.id,
            i.kind.as_str(),
            i.relation.as_str(),
            i.value,
            text::fold(&format!("{}\n{}", i.value, i.title)),
            i.origin,
            i.title,
            i.valid_from.map(|t| t.0),
            i.valid_until.map(|t| t.0),
            i.tlp.map(Tlp::as_str),
            i.rule_id
        ])?;
    }
    rules::put(db, new_rules)?;
    jobs::put_dead_letters(db, Some(&import.id), issues)
}

/// Takes an import back; of its rules those in `keep` stay.
fn clear(db: &Connection, id: &str, keep: &[&str]) -> Result<bool> {
    let keep = serde_json::to_string(keep)?;
    let removed = db.execute(
        "DELETE FROM rules WHERE id IN (SELECT rule_id FROM indicators WHERE import_id = ?1)
         AND id NOT IN (SELECT value FROM json_each(?2))",
        params![id, keep],
    )?;
    if removed > 0 {
        rules::touch(db)?;
    }
    db.execute("DELETE FROM indicators WHERE import_id = ?1", [id])?;
    db.execute("DELETE FROM dead_letters WHERE job_id = ?1", [id])?;
    Ok(db.execute("DELETE FROM indicator_imports WHERE id = ?1", [id])? > 0)
}

pub fn remove(db: &Connection, id: &str) -> Result<bool> {
    clear(db, id, &[])
}

pub fn imports(db: &Connection) -> Result<Vec<Import>> {
    let mut statement = db.prepare_cached(
        "SELECT id, name, format, imported, by, indicators, rules, issues FROM indicator_imports
         ORDER BY imported DESC, id",
    )?;
    let import = |row: &Row<'_>| -> Result<Import> {
        Ok(Import {
            id: row.get(0)?,
            name: row.get(1)?,
            format: word(&row.get::<_, String>(2)?, Format::parse)?,
            imported: Time(row.get(3)?),
            by: row.get(4)?,
            indicators: from_sql(row.get(5)?),
            rules: from_sql(row.get(6)?),
            issues: from_sql(row.get(7)?),
        })
    };
    statement.query_and_then([], import)?.collect()
}

fn word<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    parse(text).ok_or_else(|| Error::internal(format!("'{text}' is no word of the catalog")))
}

fn conditions(filter: &IndicatorFilter) -> (String, Vec<Value>) {
    let (mut sql, mut values) = (String::from(" WHERE 1"), Vec::<Value>::new());
    let mut and = |part: &str, value: Value| {
        sql.push_str(" AND ");
        sql.push_str(part);
        values.push(value);
    };
    if let Some(id) = &filter.import_id {
        and("import_id = ?", id.clone().into());
    }
    if let Some(kind) = filter.kind {
        and("kind = ?", kind.as_str().to_owned().into());
    }
    if let Some(part) = &filter.text {
        and("instr(folded, ?) > 0", text::fold(part).into());
    }
    match filter.expired {
        Some((true, at)) => and("valid_until <= ?", at.0.into()),
        Some((false, at)) => and("(valid_until IS NULL OR valid_until > ?)", at.0.into()),
        None => {}
    }
    (sql, values)
}

pub fn page(
    db: &Connection,
    filter: &IndicatorFilter,
    after: Option<u64>,
    first: usize,
) -> Result<Vec<StoredIndicator>> {
    let (mut sql, mut values) = conditions(filter);
    if let Some(after) = after {
        sql.push_str(" AND number > ?");
        values.push(to_sql(after).into());
    }
    values.push(i64::try_from(first).unwrap_or(i64::MAX).into());
    let mut statement = db.prepare_cached(&format!(
        "SELECT number, import_id, kind, relation, value, origin, title, valid_from, valid_until, tlp, rule_id
         FROM indicators{sql} ORDER BY number LIMIT ?"
    ))?;
    statement.query_and_then(params_from_iter(values), stored)?.collect()
}

fn stored(row: &Row<'_>) -> Result<StoredIndicator> {
    Ok(StoredIndicator {
        number: from_sql(row.get(0)?),
        import_id: row.get(1)?,
        indicator: Indicator {
            kind: word(&row.get::<_, String>(2)?, Kind::parse)?,
            relation: word(&row.get::<_, String>(3)?, Relation::parse)?,
            value: row.get(4)?,
            origin: row.get(5)?,
            title: row.get(6)?,
            valid_from: row.get::<_, Option<i64>>(7)?.map(Time),
            valid_until: row.get::<_, Option<i64>>(8)?.map(Time),
            tlp: row.get::<_, Option<String>>(9)?.map(|t| word(&t, Tlp::parse)).transpose()?,
            rule_id: row.get(10)?,
        },
    })
}

pub fn count(db: &Connection, filter: &IndicatorFilter) -> Result<u64> {
    let (sql, values) = conditions(filter);
    let mut statement = db.prepare_cached(&format!("SELECT count(*) FROM indicators{sql}"))?;
    Ok(from_sql(statement.query_row(params_from_iter(values), |r| r.get(0))?))
}

pub fn hits(db: &Connection, scope: &Scope, indicators: &[Indicator]) -> Result<Vec<u64>> {
    let hosts = match scope {
        Scope::All => None,
        Scope::Hosts(hosts) => Some(serde_json::to_string(&**hosts)?),
    };
    let mut statement = db.prepare_cached(
        "SELECT count(*) FROM hits WHERE rule_id = ?1
         AND (?2 IS NULL OR EXISTS (SELECT 1 FROM json_each(matched) WHERE value = ?2))
         AND (?3 IS NULL OR host IN (SELECT value FROM json_each(?3)))",
    )?;
    let count = |i: &Indicator| {
        // A composite has a rule of its own.
        let term = (i.kind != Kind::Composite).then(|| i.term());
        Ok(from_sql(statement.query_row(params![i.rule_id, term, hosts], |r| r.get(0))?))
    };
    indicators.iter().map(count).collect()
}
