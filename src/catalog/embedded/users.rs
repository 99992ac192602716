//! Users, their password hashes, and the secrets of the installation.
use super::db::{from_sql, to_sql};
use crate::{
    catalog::{Role, User},
    error::{Code, Error, Result},
    event::{Scope, Time, text::fold},
};
use rand::TryRngCore as _;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};

const COLUMNS: &str = "SELECT id, name, role, hosts, disabled, token_generation, created FROM users";

/// Bytes of a secret.
const SECRET: usize = 32;

pub fn all(db: &Connection) -> Result<Vec<User>> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} ORDER BY folded"))?;
    let rows = statement.query_and_then([], user)?;
    rows.collect()
}

pub fn by_name(db: &Connection, name: &str) -> Result<Option<User>> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} WHERE folded = ?1"))?;
    statement.query_and_then([fold(name)], user)?.next().transpose()
}

pub fn by_id(db: &Connection, id: &str) -> Result<Option<User>> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
    statement.query_and_then([id], user)?.next().transpose()
}

fn user(row: &Row<'_>) -> Result<User> {
    let hosts: Option<String> = row.get(3)?;
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        role: role(&row.get::<_, String>(2)?)?,
        scope: match hosts {
            None => Scope::All,
            Some(json) => Scope::hosts(serde_json::from_str::<Vec<String>>(&json)?),
        },
        disabled: row.get(4)?,
        token_generation: from_sql(row.get(5)?),
        created: Time(row.get(6)?),
    })
}

fn role(text: &str) -> Result<Role> {
    Ok(serde_json::from_value(text.into())?)
}

fn role_text(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Analyst => "analyst",
        Role::Admin => "admin",
    }
}

fn hosts(scope: &Scope) -> Result<Option<String>> {
    match scope {
        Scope::All => Ok(None),
        Scope::Hosts(hosts) => Ok(Some(serde_json::to_string(&**hosts)?)),
    }
}

fn taken(name: &str) -> impl FnOnce(rusqlite::Error) -> Error {
    move |e| match e.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => {
            Error::new(Code::Conflict, format!("there is already a user named {name:?}")).with(e)
        }
        _ => e.into(),
    }
}

pub fn create(db: &Connection, user: &User, password_hash: &str) -> Result<()> {
    let sql = "INSERT INTO users (id, name, folded, role, hosts, disabled, token_generation, created, password_hash)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    db.execute(
        sql,
        params![
            user.id,
            user.name,
            fold(&user.name),
            role_text(user.role),
            hosts(&user.scope)?,
            user.disabled,
            to_sql(user.token_generation),
            user.created.0,
            password_hash
        ],
    )
    .map_err(taken(&user.name))?;
    Ok(())
}

/// The number of token generation only grows: a caller who read the user earlier cannot revive old sessions.
pub fn update(db: &Connection, user: &User) -> Result<()> {
    let sql = "UPDATE users SET name = ?2, folded = ?3, role = ?4, hosts = ?5, disabled = ?6,
               token_generation = max(token_generation, ?7) WHERE id = ?1";
    let changed = db
        .execute(
            sql,
            params![
                user.id,
                user.name,
                fold(&user.name),
                role_text(user.role),
                hosts(&user.scope)?,
                user.disabled,
                to_sql(user.token_generation)
            ],
        )
        .map_err(taken(&user.name))?;
    found(changed)
}

pub fn password_hash(db: &Connection, id: &str) -> Result<Option<String>> {
    Ok(db.query_row("SELECT password_hash FROM users WHERE id = ?1", [id], |r| r.get(0)).optional()?)
}

pub fn set_password(db: &Connection, id: &str, hash: &str) -> Result<()> {
    let sql = "UPDATE users SET password_hash = ?2, token_generation = token_generation + 1 WHERE id = ?1";
    found(db.execute(sql, [id, hash])?)
}

pub fn end_sessions(db: &Connection, id: &str) -> Result<()> {
    found(db.execute("UPDATE users SET token_generation = token_generation + 1 WHERE id = ?1", [id])?)
}

fn found(changed: usize) -> Result<()> {
    if changed == 0 { Err(Error::not_found("no such user")) } else { Ok(()) }
}

pub fn stored_secret(db: &Connection, name: &str) -> Result<Option<Vec<u8>>> {
    Ok(db.query_row("SELECT value FROM secrets WHERE name = ?1", [name], |r| r.get(0)).optional()?)
}

pub fn secret(db: &Connection, name: &str) -> Result<Vec<u8>> {
    if let Some(secret) = stored_secret(db, name)? {
        return Ok(secret);
    }
    let mut secret = vec![0; SECRET];
    rand::rngs::OsRng.try_fill_bytes(&mut secret).map_err(Error::internal)?;
    db.execute("INSERT INTO secrets (name, value) VALUES (?1, ?2)", params![name, secret])?;
    Ok(secret)
}
