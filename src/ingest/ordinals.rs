//! Counts identical records without keeping the whole file in memory.
use crate::{
    error::{Error, Result},
    event::Ordinals,
};
use rusqlite::Connection;
use std::collections::HashMap;

/// Ordinals of one file or request. The first [`Counted::IN_MEMORY`] distinct contents are counted in
/// memory, the others in a private temporary database that SQLite deletes on close.
#[derive(Default)]
pub struct Counted {
    memory: HashMap<u128, u64>,
    disk: Option<Connection>,
    failed: Option<rusqlite::Error>,
}

impl Counted {
    const IN_MEMORY: usize = 500_000;

    /// Whether the counting itself failed; then the ids handed out since are not to be trusted.
    ///
    /// # Errors
    /// The disk was full or could not be written.
    pub fn check(&mut self) -> Result<()> {
        self.failed.take().map_or(Ok(()), |e| Err(Error::internal(e)))
    }

    fn on_disk(&mut self, content: u128) -> rusqlite::Result<u64> {
        let db = match &mut self.disk {
            Some(db) => db,
            empty => {
                let db = Connection::open("")?;
                db.execute_batch(
                    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
                     CREATE TABLE content (hash BLOB PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
                     BEGIN",
                )?;
                empty.insert(db)
            }
        };
        db.prepare_cached(
            "INSERT INTO content (hash, n) VALUES (?1, 0) ON CONFLICT (hash) DO UPDATE SET n = n + 1 RETURNING n",
        )?
        .query_row([content.to_be_bytes().as_slice()], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
    }
}

impl Ordinals for Counted {
    fn next(&mut self, content: u128) -> u64 {
        if let Some(n) = self.memory.get_mut(&content) {
            *n += 1;
            return *n;
        }
        if self.memory.len() < Self::IN_MEMORY {
            self.memory.insert(content, 0);
            return 0;
        }
        self.on_disk(content).unwrap_or_else(|e| {
            self.failed.get_or_insert(e);
            0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_in_memory_and_on_disk() {
        let memory = (0..Counted::IN_MEMORY as u128).map(|k| (k, 0)).collect();
        let mut o = Counted { memory, ..Counted::default() };
        assert_eq!((o.next(7), o.next(7)), (1, 2));
        let new = u128::MAX;
        assert_eq!((o.next(new), o.next(new), o.next(new - 1), o.next(new)), (0, 1, 0, 2));
        assert!(o.check().is_ok());
    }
}
