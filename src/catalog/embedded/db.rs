//! The database file: how it is opened, its schema versions, and who may use which connection.
use crate::error::{Code, Error, Result};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Schema versions in order; `user_version` counts those applied.
const MIGRATIONS: &[&str] = &[
    include_str!("1.sql"),
    include_str!("2.sql"),
    include_str!("3.sql"),
    include_str!("4.sql"),
    include_str!("5.sql"),
    include_str!("6.sql"),
    include_str!("7.sql"),
    include_str!("8.sql"),
    include_str!("9.sql"),
    include_str!("10.sql"),
    include_str!("11.sql"),
    include_str!("12.sql"),
    include_str!("13.sql"),
];

/// Readers that work at the same time.
const READERS: usize = 4;

/// One writer, some readers, all on blocking threads. In WAL mode they do not wait for each other.
pub struct Db {
    path: PathBuf,
    writer: Arc<tokio::sync::Mutex<Connection>>,
    idle: Arc<Mutex<Vec<Connection>>>,
    readers: Arc<Semaphore>,
}

impl Db {
    /// Opens or creates the file and brings its schema up to date.
    ///
    /// # Errors
    /// `CONFLICT` when a newer program wrote it, `UNAVAILABLE` when it cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let cannot = |e: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(Code::Unavailable, format!("cannot open the catalog {}: {e}", path.display())).with(e)
        };
        create_private(path).map_err(|e| cannot(e.into()))?;
        let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|e| cannot(e.into()))?;
        migrate(&mut writer, path)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            idle: Arc::default(),
            readers: Arc::new(Semaphore::new(READERS)),
        })
    }

    /// Runs `work` in a write transaction; it is committed when `work` succeeds and durable on return.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        tokio::task::spawn_blocking(move || {
            let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let out = work(&tx)?;
            tx.commit()?;
            Ok(out)
        })
        .await?
    }

    /// Runs `work` on one snapshot of the database.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.readers).acquire_owned().await.map_err(Error::internal)?;
        let (path, idle) = (self.path.clone(), Arc::clone(&self.idle));
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let pooled = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match pooled {
                Some(c) => c,
                None => connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
            };
            let out = work(&*connection.transaction()?)?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok(out)
        })
        .await?
    }
}

/// The catalog holds password hashes and keys: others on the machine must not read it. SQLite gives the
/// same permissions to its `-wal` and `-shm` files.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    if access.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A commit is on the disk when it returns: a hit must not be lost after its checkpoint was seen.
        connection.pragma_update(None, "synchronous", "FULL")?;
    }
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = tx.query_row("PRAGMA user_version", [], |r| r.get(0))?;
    let done = usize::try_from(found).unwrap_or(0);
    if done > MIGRATIONS.len() {
        let message = format!(
            "the catalog {} was written by a newer version of this program (schema {found}, this one knows {}): \
             start the newer version",
            path.display(),
            MIGRATIONS.len()
        );
        return Err(Error::new(Code::Conflict, message));
    }
    for sql in &MIGRATIONS[done..] {
        tx.execute_batch(sql)?;
    }
    if done < MIGRATIONS.len() {
        tx.pragma_update(None, "user_version", to_sql(MIGRATIONS.len() as u64))?;
    }
    tx.commit()?;
    Ok(())
}

/// SQLite's integers are signed; numbers and counts of the catalog never reach the difference.
pub fn to_sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub fn from_sql(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
