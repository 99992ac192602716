//! Storing hits: numbered in Neo4j, kept in Elasticsearch, with nothing in between that could be lost or seen twice.
//!
//! ```text
//! 1. one transaction under the lock of detect: which hits are new (by id), their numbers, alerts, what correlations keep,
//!    the checkpoint, and the documents to be written, as text, in the outbox
//! 2. the documents go to Elasticsearch and become searchable
//! 3. one transaction: the hits become visible, the outbox is emptied
//! ```
//! Readers look no further than the newest visible number, so they meet no gap that is filled later. Who finds an outbox
//! that a dead writer has left goes on with 2: a document is the same whoever writes it.
use super::{
    Cluster, alerts, correlated, documents, jobs,
    nodes::{self, Kind, Row},
    state::{Detected, detected_key, lock_as, lock_detected},
};
use crate::{
    catalog::{Found, MAX_FORMER, StoredHit},
    elastic::{Done, Method, failure},
    error::{Error, Result},
    event::{Fence, Position, Time, detection::Hit},
    neo4j::{Patience, Transaction, cypher, transact},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Text of one node of the outbox, in bytes.
const MAX_OUTBOX: usize = 1 << 20;
/// Documents asked for at once by id.
const PIECE: usize = 2_000;

/// What stands in the outbox.
#[derive(Serialize, Deserialize)]
struct Outbox {
    lines: String,
}

enum Attempt {
    Stored(Vec<StoredHit>),
    /// Documents of an earlier change are still to be written.
    Pending,
    /// Another process has changed hits meanwhile.
    Again,
}

impl Cluster {
    /// # Errors
    /// When one of the servers is away. The change may be made then; a second time tells.
    pub(super) async fn put(&self, found: Found, upto: &Position) -> Result<Vec<StoredHit>> {
        // Of this process one at a time: the others would only wait for the lock.
        let _turn = self.turn.lock().await;
        let name = uuid::Uuid::now_v7().simple().to_string();
        let mut patience = Patience::default();
        let mut numbered = Vec::new();
        loop {
            match self.attempt(&name, &found, upto, &mut numbered).await {
                Ok(Attempt::Stored(stored)) => {
                    self.flush().await?;
                    return Ok(stored);
                }
                Ok(Attempt::Pending) => self.flush().await?,
                Ok(Attempt::Again) => {}
                Err(e) => patience.after(e).await?,
            }
        }
    }

    async fn attempt(
        &self,
        name: &str,
        found: &Found,
        upto: &Position,
        numbered: &mut Vec<StoredHit>,
    ) -> Result<Attempt> {
        // Asked before the lock is taken: nobody waits while Elasticsearch thinks.
        let seen = self.state().await?;
        if seen.pending.is_some() {
            return Ok(Attempt::Pending);
        }
        let asked: Vec<&str> = found.hits.iter().map(|h| &h.id).chain(&found.withdrawn).map(String::as_str).collect();
        let known = self.known(&asked).await?;
        let mut t = self.neo4j.begin().await?;
        match self.change(&mut t, name, found, upto, (&seen, &known), numbered).await {
            Ok(Attempt::Stored(stored)) => t.commit().await.map(|()| Attempt::Stored(stored)),
            other => {
                t.roll_back().await;
                other
            }
        }
    }

    async fn change(
        &self,
        t: &mut Transaction,
        name: &str,
        found: &Found,
        upto: &Position,
        (before, known): (&Detected, &HashMap<String, StoredHit>),
        numbered: &mut Vec<StoredHit>,
    ) -> Result<Attempt> {
        let mut state = lock_detected(t, &self.space).await?;
        if state.last == name {
            // The answer to an earlier attempt was lost.
            return Ok(Attempt::Stored(std::mem::take(numbered)));
        }
        if state.pending.is_some() {
            return Ok(Attempt::Pending);
        }
        if let Some(fence) = found.fence {
            state.fence.pass(fence)?;
        }
        if (state.written, state.floor) != (before.written, before.floor) {
            return Ok(Attempt::Again);
        }
        let withdrawn: HashSet<&str> = found.withdrawn.iter().map(String::as_str).collect();
        let (mut seen, mut newest) = (HashSet::new(), state.newest);
        let mut said = Vec::new();
        numbered.clear();
        for hit in found.hits.iter().filter(|h| seen.insert(h.id.as_str())) {
            let known = known.get(&hit.id);
            let mut again = known.map(|s| s.again.clone()).unwrap_or_default();
            again.extend(known.map(|s| s.number).filter(|n| (1..=state.floor).contains(n)));
            again.drain(..again.len().saturating_sub(MAX_FORMER));
            let there = known.filter(|s| s.number > state.floor);
            match there.filter(|_| !withdrawn.contains(hit.id.as_str())) {
                None => {
                    newest += 1;
                    numbered.push(StoredHit { number: newest, hit: hit.clone(), again, floor: state.floor });
                }
                // What was not known before, when its process was not.
                Some(StoredHit { number, hit: old, again, floor })
                    if (&old.matched, &old.joined) != (&hit.matched, &hit.joined) =>
                {
                    let hit = Hit { matched: hit.matched.clone(), joined: hit.joined.clone(), ..old.clone() };
                    said.push(StoredHit { number: *number, hit, again: again.clone(), floor: *floor });
                }
                Some(_) => {}
            }
        }
        let gone: Vec<&StoredHit> =
            withdrawn.iter().filter_map(|id| known.get(*id)).filter(|s| s.number > state.floor).collect();
        let hits: Vec<&Hit> = gone.iter().map(|s| &s.hit).collect();
        correlated::put(t, &self.space, state.era, &found.changes).await?;
        alerts::change(self, t, &mut state, &hits, numbered).await?;
        let change = state.written + 1;
        let written: HashSet<&str> = numbered.iter().map(|s| s.hit.id.as_str()).collect();
        let gone = gone.iter().filter(|s| !written.contains(s.hit.id.as_str())).map(|s| self.without(s, change));
        let written = gone.chain(numbered.iter().chain(&said).map(|s| documents::write(&self.index, s, change)));
        let pieces = pieces(written);
        if !pieces.is_empty() {
            self.fill_outbox(t, name, pieces).await?;
            state.written = change;
            state.pending = Some(name.to_owned());
            state.last = name.to_owned();
        }
        if let Some(mut job) = found.job.clone() {
            job.hunt.iter_mut().for_each(|h| h.new += numbered.len() as u64);
            jobs::put_job(t, &self.space, &job).await?;
        }
        let mut position = Position::parse(&state.position)?;
        position.merge(upto);
        state.position = position.to_string();
        state.newest = newest;
        state.save(t, &self.space).await?;
        Ok(Attempt::Stored(numbered.clone()))
    }

    /// The lines that withdraw a hit. Which numbers it had before rebuilds is kept, under a number that nobody reads.
    fn without(&self, stored: &StoredHit, change: u64) -> String {
        if stored.again.is_empty() {
            return documents::delete(&self.index, &stored.hit.id, change);
        }
        documents::write(&self.index, &StoredHit { number: 0, ..stored.clone() }, change)
    }

    /// Those of the hits that are stored, by id, also those that were cleared. All that is stored must be written.
    async fn known(&self, ids: &[&str]) -> Result<HashMap<String, StoredHit>> {
        let mut known = HashMap::new();
        for some in ids.chunks(PIECE) {
            let mut answer = self.elastic.ask(Method::Post, "_mget", &self.asked(some)).await?;
            let Value::Array(docs) = answer["docs"].take() else { return Err(Error::internal("no documents")) };
            for mut doc in docs {
                if doc["found"] == true {
                    let stored = documents::read(&mut doc)?;
                    known.insert(stored.hit.id.clone(), stored);
                } else if let Some(e) = doc.get("error")
                    && e["type"] != "index_not_found_exception"
                {
                    return Err(failure(503, e));
                }
            }
        }
        Ok(known)
    }

    fn asked(&self, ids: &[&str]) -> Value {
        let docs: Vec<Value> = ids.iter().map(|id| json!({ "_index": self.index, "_id": id })).collect();
        json!({ "docs": docs })
    }

    async fn fill_outbox(&self, t: &mut Transaction, name: &str, pieces: Vec<String>) -> Result<()> {
        let list = self.space.list_of(Kind::Outbox, &[name]);
        for (lines, n) in pieces.into_iter().zip(1..) {
            let row = Row::new(self.space.key(Kind::Outbox, &[name, &n.to_string()]), Kind::Outbox, &Outbox { lines })?;
            nodes::put(t, vec![row.list(&list).number(n)]).await?;
        }
        Ok(())
    }

    /// Writes the documents that lie in the outbox, and shows the hits.
    pub(super) async fn flush(&self) -> Result<()> {
        // Who has filled it sees that; most have nothing to write, and wait for no lock.
        if self.state().await?.pending.is_none() {
            return Ok(());
        }
        let pending = transact!(self.neo4j, t => self.outbox(&mut t).await);
        let Some((name, list, pieces)) = pending? else { return Ok(()) };
        self.ready().await?;
        for Outbox { lines } in pieces {
            // What is there already, or is older than what is there, is as good as written.
            let mut refused = None;
            let each = |_, done| {
                if let Done::Refused(why, _) = done {
                    refused = Some(why);
                }
            };
            self.elastic.bulk(items(&lines), each).await?;
            if let Some(why) = refused {
                return Err(Error::internal(why));
            }
        }
        self.elastic.refresh(&self.index).await?;
        transact!(self.neo4j, t => self.show(&mut t, &name, &list).await)
    }

    /// What is to be written: its name, its list, and all of it, which is certain under the lock only.
    async fn outbox(&self, t: &mut Transaction) -> Result<Option<(String, String, Vec<Outbox>)>> {
        let Some(name) = lock_detected(t, &self.space).await?.pending else { return Ok(None) };
        let list = self.space.list_of(Kind::Outbox, &[&name]);
        let pieces = nodes::all_known(t, list.clone()).await?;
        Ok(Some((name, list, pieces)))
    }

    async fn show(&self, t: &mut Transaction, name: &str, list: &str) -> Result<()> {
        let mut state = lock_detected(t, &self.space).await?;
        if state.pending.as_deref() == Some(name) {
            state.visible = state.newest;
            state.pending = None;
            state.save(t, &self.space).await?;
            let query = cypher!("cypher/write/catalog_delete_list.cypher")
                .param("lists", vec![list.to_owned()])
                .param("most", i64::MAX);
            t.run(query).await?;
        }
        Ok(())
    }

    /// The state as it was last committed.
    pub(super) async fn state(&self) -> Result<Detected> {
        let found = nodes::by_keys(&self.neo4j, vec![detected_key(&self.space)]).await?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }

    pub(super) async fn checkpoint(&self) -> Result<Position> {
        let state = self.state().await?;
        if state.pending.is_some() && !self.looks {
            // Perhaps of a writer who is no more.
            self.flush().await?;
        }
        Position::parse(&state.position)
    }

    /// The checkpoint, for whoever works from now on.
    pub(super) async fn take_over(&self, fence: Fence) -> Result<Position> {
        let pass = async |t: &mut Transaction| {
            let state = lock_as(t, &self.space, fence).await?;
            state.save(t, &self.space).await
        };
        let passed = transact!(self.neo4j, t => pass(&mut t).await);
        passed?;
        self.checkpoint().await
    }

    /// From the first transaction on there is no hit: readers look above the floor. The documents stay, as they tell which hits
    /// are found again, and are written anew then.
    pub(super) async fn clear(&self, fence: Fence) -> Result<()> {
        let _turn = self.turn.lock().await;
        self.flush().await?;
        let done = transact!(self.neo4j, t => self.clear_state(&mut t, fence).await);
        let state = done?;
        correlated::sweep(self, &state).await
    }

    async fn clear_state(&self, t: &mut Transaction, fence: Fence) -> Result<Detected> {
        let mut state = lock_as(t, &self.space, fence).await?;
        // Hits that another process has just numbered are cleared with the others: their documents are hidden.
        state.floor = state.newest;
        state.written += 1;
        state.era += 1;
        state.position = String::new();
        alerts::forget_hits(t, &self.space, &mut state).await?;
        state.save(t, &self.space).await?;
        Ok(state)
    }
}

/// Lines for the nodes of the outbox.
fn pieces(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for line in lines {
        match pieces.last_mut() {
            Some(piece) if piece.len() < MAX_OUTBOX => piece.push_str(&line),
            _ => pieces.push(line),
        }
    }
    pieces
}

/// The items of a bulk request: a line for a deletion, two for a document.
fn items(lines: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for line in lines.split_inclusive('\n') {
        match items.last_mut() {
            Some(item) if item.starts_with(r#"{"index""#) && !item.trim_end().contains('\n') => item.push_str(line),
            _ => items.push(line.to_owned()),
        }
    }
    items
}

/// Time of a hit in an answer that holds only what is indexed.
pub(super) fn time(value: &Value) -> Option<Time> {
    value.as_i64().or_else(|| value.as_f64().map(|f| f as i64)).map(Time)
}
