//! Jobs, and the records that could not be imported.
use super::db::{from_sql, to_sql};
use crate::{
    catalog::{DeadLetter, Job, JobKind, JobState},
    error::{Issue, Result},
    event::Time,
};
use rusqlite::{Connection, Row, params};

const COLUMNS: &str = "SELECT id, name, state, bytes_read, bytes_total, stored, duplicates, skipped, issues, started, \
                       finished, message, counts, keep_other, node, hunt FROM jobs";

pub fn put(db: &Connection, job: &Job) -> Result<bool> {
    let mut statement = db.prepare_cached(
        "INSERT INTO jobs (id, name, state, bytes_read, bytes_total, stored, duplicates, skipped, issues, started,
                           finished, message, counts, keep_other, node, hunt)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, state = excluded.state, bytes_read = excluded.bytes_read,
             bytes_total = excluded.bytes_total, stored = excluded.stored, duplicates = excluded.duplicates,
             skipped = excluded.skipped, issues = excluded.issues, started = excluded.started,
             finished = excluded.finished, message = excluded.message, counts = excluded.counts,
             hunt = excluded.hunt
         WHERE jobs.state <> 'cancelled'",
    )?;
    let stored = statement.execute(params![
        job.id,
        job.name,
        state_text(job.state),
        to_sql(job.bytes_read),
        job.bytes_total.map(to_sql),
        to_sql(job.stored),
        to_sql(job.duplicates),
        to_sql(job.skipped),
        to_sql(job.issues),
        job.started.0,
        job.finished.map(|t| t.0),
        job.message,
        serde_json::to_string(&job.counts)?,
        job.keep_other,
        job.node,
        job.hunt.as_ref().map(serde_json::to_string).transpose()?,
    ])?;
    Ok(stored > 0)
}

pub fn cancel(db: &Connection, id: &str, at: Time) -> Result<bool> {
    let mut statement =
        db.prepare_cached("UPDATE jobs SET state = 'cancelled', finished = ?2 WHERE id = ?1 AND state = 'running'")?;
    Ok(statement.execute(params![id, at.0])? > 0)
}

pub fn by_id(db: &Connection, id: &str) -> Result<Option<Job>> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
    statement.query_and_then([id], job)?.next().transpose()
}

pub fn newest(db: &Connection, kind: JobKind, state: Option<JobState>, first: usize) -> Result<Vec<Job>> {
    let kind = match kind {
        JobKind::Import => "hunt IS NULL",
        JobKind::Hunt => "hunt IS NOT NULL",
    };
    let mut statement = db.prepare_cached(&format!(
        "{COLUMNS} WHERE {kind} AND (?2 IS NULL OR state = ?2) ORDER BY started DESC, id DESC LIMIT ?1"
    ))?;
    statement.query_and_then(params![to_sql(first as u64), state.map(state_text)], job)?.collect()
}

fn job(row: &Row<'_>) -> Result<Job> {
    Ok(Job {
        id: row.get(0)?,
        name: row.get(1)?,
        state: serde_json::from_value(row.get::<_, String>(2)?.into())?,
        bytes_read: from_sql(row.get(3)?),
        bytes_total: row.get::<_, Option<i64>>(4)?.map(from_sql),
        stored: from_sql(row.get(5)?),
        duplicates: from_sql(row.get(6)?),
        skipped: from_sql(row.get(7)?),
        issues: from_sql(row.get(8)?),
        started: Time(row.get(9)?),
        finished: row.get::<_, Option<i64>>(10)?.map(Time),
        message: row.get(11)?,
        counts: serde_json::from_str(&row.get::<_, String>(12)?)?,
        keep_other: row.get(13)?,
        node: row.get(14)?,
        hunt: row.get::<_, Option<String>>(15)?.map(|h| serde_json::from_str(&h)).transpose()?,
    })
}

fn state_text(state: JobState) -> &'static str {
    match state {
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

pub fn put_dead_letters(db: &Connection, job_id: Option<&str>, issues: &[Issue]) -> Result<()> {
    let mut statement = db.prepare_cached(
        "INSERT OR IGNORE INTO dead_letters (source, position, reason, record, at, job_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let now = Time::now().0;
    for i in issues {
        statement.execute(params![i.source, i.position, i.reason, i.record, now, job_id])?;
    }
    Ok(())
}

pub fn dead_letters(
    db: &Connection,
    job_id: Option<&str>,
    before: Option<u64>,
    first: usize,
) -> Result<Vec<DeadLetter>> {
    // Two statements, so that each has its index.
    let of_job = if job_id.is_some() { "job_id = ?3" } else { "?3 IS NULL" };
    let mut statement = db.prepare_cached(&format!(
        "SELECT number, source, position, reason, record, at, job_id FROM dead_letters
         WHERE number < ?1 AND {of_job} ORDER BY number DESC LIMIT ?2",
    ))?;
    let values = params![before.map_or(i64::MAX, to_sql), to_sql(first as u64), job_id];
    let rows = statement.query_and_then(values, |r| {
        Ok(DeadLetter {
            number: from_sql(r.get(0)?),
            issue: Issue { source: r.get(1)?, position: r.get(2)?, reason: r.get(3)?, record: r.get(4)? },
            at: Time(r.get(5)?),
            job_id: r.get(6)?,
        })
    })?;
    rows.collect()
}

pub fn count_dead_letters(db: &Connection, job_id: Option<&str>) -> Result<u64> {
    let of_job = if job_id.is_some() { "job_id = ?1" } else { "?1 IS NULL" };
    let mut statement = db.prepare_cached(&format!("SELECT count(*) FROM dead_letters WHERE {of_job}"))?;
    Ok(from_sql(statement.query_row([job_id], |r| r.get(0))?))
}
