//! Running statements on a Neo4j server: what the graph and the catalog need of it. Every statement is a file below
//! `cypher/`, with parameters only.
mod checkup;

use crate::error::{Code, Error, Result};
use neo4rs::{BoltMap, BoltString, BoltType, ConfigBuilder, Graph, Query, Txn};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Rows of one statement.
pub const ROWS: usize = 5_000;
/// Rows that one answer of the server carries.
const FETCH: usize = 2_000;
/// Longest wait for one answer; also for a connection.
const ANSWER: Duration = Duration::from_secs(120);
/// Attempts at what can pass: a lock, a restart.
const ATTEMPTS: u32 = 9;

/// Text of a file below `cypher/`.
macro_rules! statement {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path))
    };
}
pub(crate) use statement;

/// A statement of a file below `cypher/`.
macro_rules! cypher {
    ($path:literal) => {
        neo4rs::query($crate::neo4j::statement!($path))
    };
}
pub(crate) use cypher;

/// Runs `$work`, which may use the transaction `$t`, and commits; tries again what can pass. An attempt whose answer is lost
/// may have been committed: a second time must not matter.
macro_rules! transact {
    ($client:expr, $t:ident => $work:expr) => {{
        let mut patience = $crate::neo4j::Patience::default();
        loop {
            let attempt = async {
                let mut $t = $client.begin().await?;
                match $work {
                    Ok(out) => $t.commit().await.map(|()| out),
                    Err(e) => {
                        $t.roll_back().await;
                        Err(e)
                    }
                }
            };
            match attempt.await {
                Ok(out) => break Ok(out),
                Err(e) => {
                    if let Err(e) = patience.after(e).await {
                        break Err(e);
                    }
                }
            }
        }
    }};
}
pub(crate) use transact;

/// The same for work that says how much it did, as a number or whether at all. An attempt behind one whose answer was lost
/// finds nothing left to do: the most that one of them did is the result.
macro_rules! transact_most {
    ($client:expr, $t:ident => $work:expr) => {{
        let mut most = Default::default();
        let done = $crate::neo4j::transact!($client, $t => $work.inspect(|now| most = std::cmp::max(most, *now)));
        done.map(|now| std::cmp::max(most, now))
    }};
}
pub(crate) use transact_most;

/// Parameters and properties by name.
#[derive(Default)]
pub struct Map(BoltMap);

impl Map {
    pub fn with(mut self, name: &str, value: impl Into<BoltType>) -> Self {
        self.put(name, value);
        self
    }
    pub fn put(&mut self, name: &str, value: impl Into<BoltType>) {
        self.0.put(BoltString::from(name), value.into());
    }
}

impl Map {
    /// Puts a value into the map that stands under `map`.
    pub fn within(&mut self, map: &str, name: &str, value: impl Into<BoltType>) {
        if let Some(BoltType::Map(inner)) = self.0.value.get_mut(&BoltString::from(map)) {
            inner.put(BoltString::from(name), value.into());
        }
    }
}

impl From<Map> for BoltType {
    fn from(map: Map) -> Self {
        Self::Map(map.0)
    }
}

/// Pauses between attempts, longer each time and never quite the same for two writers.
#[derive(Default)]
pub struct Patience(u32);

impl Patience {
    /// Waits, if another attempt may help.
    ///
    /// # Errors
    /// The error itself, if not.
    pub async fn after(&mut self, e: Error) -> Result<()> {
        self.0 += 1;
        if e.code != Code::Unavailable || self.0 >= ATTEMPTS || took_too_long(&e) {
            return Err(e);
        }
        let longest = 20u64 << self.0;
        let pause = rand::random_range(longest / 2..=longest);
        tracing::debug!(error = %e, attempt = self.0, "Neo4j: trying again in {pause} ms");
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(())
    }
}

/// The server may still be at it: the same once more would only make it slower.
fn took_too_long(e: &Error) -> bool {
    let source = std::error::Error::source(e).and_then(|s| s.downcast_ref::<neo4rs::Error>());
    matches!(source, Some(neo4rs::Error::ConnectionTimedOut))
}

pub struct Client(Graph);

impl Client {
    pub fn new(uri: &str, user: &str, password: &str) -> Result<Self> {
        let config = ConfigBuilder::default()
            .uri(uri)
            .user(user)
            .password(password)
            .fetch_size(FETCH)
            .connection_timeout(ANSWER)
            .build()?;
        Ok(Self(Graph::connect(config)?))
    }

    /// Runs a statement that changes nothing; tries again what can pass.
    pub async fn rows<T: DeserializeOwned + Send>(&self, query: Query) -> Result<Vec<T>> {
        let mut patience = Patience::default();
        loop {
            match self.rows_once(query.clone()).await {
                Ok(rows) => return Ok(rows),
                Err(e) => patience.after(e).await?,
            }
        }
    }

    async fn rows_once<T: DeserializeOwned>(&self, query: Query) -> Result<Vec<T>> {
        let mut stream = self.0.execute_read(query).await?;
        let mut rows = Vec::new();
        while let Some(row) = stream.next().await? {
            rows.push(row.to().map_err(neo4rs::Error::from)?);
        }
        Ok(rows)
    }

    /// Runs a statement in a transaction of its own, for its rows. It may run twice: it must not matter.
    pub async fn change<T: DeserializeOwned + Send>(&self, query: Query) -> Result<Vec<T>> {
        transact!(self, t => t.rows(query.clone()).await)
    }

    /// Runs a statement in a transaction of its own. It may run twice: it must not matter.
    pub async fn run(&self, query: Query) -> Result<()> {
        let mut patience = Patience::default();
        loop {
            match self.0.run(query.clone()).await {
                Ok(_) => return Ok(()),
                Err(e) => patience.after(e.into()).await?,
            }
        }
    }

    pub async fn begin(&self) -> Result<Transaction> {
        Ok(Transaction(self.0.start_txn().await?))
    }
}

pub struct Transaction(Txn);

impl Transaction {
    pub async fn rows<T: DeserializeOwned + Send>(&mut self, query: Query) -> Result<Vec<T>> {
        let mut stream = self.0.execute(query).await?;
        let mut rows = Vec::new();
        while let Some(row) = stream.next(self.0.handle()).await? {
            rows.push(row.to().map_err(neo4rs::Error::from)?);
        }
        Ok(rows)
    }

    pub async fn run(&mut self, query: Query) -> Result<()> {
        self.0.run(query).await?;
        Ok(())
    }

    /// Runs the statement over all `rows`, some at a time.
    pub async fn each(&mut self, query: Query, rows: Vec<BoltType>) -> Result<()> {
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let some: Vec<BoltType> = rows.by_ref().take(ROWS).collect();
            self.run(query.clone().param("rows", some)).await?;
        }
        Ok(())
    }

    pub async fn commit(self) -> Result<()> {
        self.0.commit().await?;
        Ok(())
    }

    pub async fn roll_back(self) {
        // The server has rolled back what failed, and does so with what it no longer hears of.
        drop(self.0.rollback().await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_took_too_long_is_not_sent_again() {
        let mut patience = Patience::default();
        assert!(patience.after(neo4rs::Error::ConnectionError.into()).await.is_ok());
        let e = patience.after(neo4rs::Error::ConnectionTimedOut.into()).await.unwrap_err();
        assert_eq!(e.code, Code::Unavailable);
    }
}
