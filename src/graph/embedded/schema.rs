//! The one file of the embedded graph: its tables and how a connection is opened.
use crate::error::{Code, Error, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Marks the file as a graph of this product: "SSgr".
const APPLICATION: i64 = 0x5353_6772;
/// Version of the tables below.
pub const VERSION: i64 = 2;

/// Every row is what the events of one host say. Host 0 stands for all hosts together: it is there only
/// when several hosts report the node or edge. `main` marks the row that tells of all hosts: that of
/// host 0, or the only one. So a caller who may see everything reads `main` rows, and any other caller reads
/// the rows of his hosts, which are exactly the graph of these hosts' events.
///
/// `host.other` is the second host of what needs both to be seen (an edge between processes of two hosts).
const TABLES: &str = "
CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), position TEXT NOT NULL, generation INTEGER NOT NULL);
INSERT INTO meta VALUES (1, '', 1);
CREATE TABLE host (id INTEGER PRIMARY KEY, name TEXT NOT NULL, other TEXT NOT NULL, UNIQUE (name, other));
CREATE TABLE node (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key BLOB NOT NULL UNIQUE);
CREATE TABLE seen (
  node INTEGER NOT NULL, host INTEGER NOT NULL, main INTEGER NOT NULL, kind INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, inferred INTEGER NOT NULL, properties BLOB NOT NULL,
  PRIMARY KEY (node, host)) WITHOUT ROWID;
CREATE INDEX seen_process ON seen (host, first, node, last) WHERE kind = 1;
CREATE TABLE edge (
  source INTEGER NOT NULL, type INTEGER NOT NULL, target INTEGER NOT NULL, host INTEGER NOT NULL, main INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, properties BLOB NOT NULL,
  PRIMARY KEY (source, type, target, host)) WITHOUT ROWID;
CREATE INDEX edge_out ON edge (source, main, type, last, target, first, host);
CREATE INDEX edge_in ON edge (target, main, type, last, source, first, host);
CREATE TABLE flow (
  tuple BLOB NOT NULL, initiator INTEGER NOT NULL, time INTEGER NOT NULL, process INTEGER NOT NULL, host INTEGER NOT NULL,
  PRIMARY KEY (tuple, initiator, time, process, host)) WITHOUT ROWID;
";

/// From version 1, whose checkpoint was a number of the embedded event log.
const FROM_1: &str = "
ALTER TABLE meta ADD COLUMN position TEXT NOT NULL DEFAULT '';
UPDATE meta SET position = json_object('log', checkpoint) WHERE checkpoint > 0;
ALTER TABLE meta DROP COLUMN checkpoint;
";

/// Opens the file for writing, and makes its tables if it is new.
///
/// # Errors
/// `CONFLICT` when a newer program wrote it, or it is no graph.
pub fn writer(path: &Path) -> Result<Connection> {
    if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir)?;
    }
    let mut db = Connection::open(path).map_err(|e| unreadable(path, e))?;
    let version: i64 = db.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(|e| unreadable(path, e))?;
    let application: i64 = db.query_row("PRAGMA application_id", [], |r| r.get(0))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_master", [], |r| r.get(0))?;
    if tables > 0 && application != APPLICATION {
        return Err(Error::new(Code::Conflict, format!("{} is not a graph of this program", path.display())));
    }
    if version > VERSION {
        let text = format!(
            "{} has graph version {version}, this program knows up to {VERSION}: use a newer program, \
             or remove the file and rebuild the graph from the events",
            path.display()
        );
        return Err(Error::new(Code::Conflict, text));
    }
    // The graph is derived and its checkpoint is in the same transaction: after a power cut it goes on from there.
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;")?;
    tune(&db, 64)?;
    if version < VERSION {
        let t = db.transaction()?;
        t.execute_batch(if tables == 0 { TABLES } else { FROM_1 })?;
        t.pragma_update(None, "application_id", APPLICATION)?;
        t.pragma_update(None, "user_version", VERSION)?;
        t.commit()?;
    }
    Ok(db)
}

pub fn reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    tune(&db, 16)?;
    Ok(db)
}

fn tune(db: &Connection, cache_mib: i64) -> Result<()> {
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    db.pragma_update(None, "cache_size", -1024 * cache_mib)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn unreadable(path: &Path, e: rusqlite::Error) -> Error {
    Error::new(Code::Internal, format!("the graph {} cannot be opened: {e}", path.display())).with(e)
}
