//! Followers: read the stored log in order from a checkpoint, do their work, move the checkpoint with it.
use crate::{
    catalog::{Catalog, StoredHit},
    error::{Error, Result},
    event::{Event, Seq, Time, detection::Hit},
    graph::{GraphStore, project},
    rules::RuleSet,
    store::EventStore,
};
use async_trait::async_trait;
use std::{
    future::Future,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, broadcast, watch},
    task::JoinSet,
};

/// Events that a follower works on at once.
const BATCH: usize = 2_000;
const RETRY: Duration = Duration::from_secs(1);
/// A checkpoint that moved over events without any hit is written at least this often.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// What a follower does with a piece of the log.
#[async_trait]
pub(super) trait Work: Send + Sync + 'static {
    async fn checkpoint(&self) -> Result<Seq>;
    /// Must be idempotent: after a crash a piece may come again.
    /// `idle` tells that nothing more waits behind this piece.
    async fn work(&mut self, events: Vec<(Seq, Arc<Event>)>, idle: bool) -> Result<()>;
}

#[derive(Debug, Clone, Copy)]
struct State {
    position: Seq,
    healthy: bool,
}

/// Handle of a running follower.
pub(super) struct Follower {
    state: watch::Receiver<State>,
    /// Held while a piece is worked on; taken by [`Follower::reset`]. Raised number: read the checkpoint anew.
    turn: Arc<Mutex<u64>>,
    resets: watch::Sender<u64>,
}

impl Follower {
    pub(super) async fn start(
        name: &'static str,
        work: impl Work,
        store: Arc<dyn EventStore>,
        head: watch::Receiver<Seq>,
        stop: watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self> {
        let position = work.checkpoint().await?;
        let (state, receiver) = watch::channel(State { position, healthy: true });
        let turn = Arc::new(Mutex::new(0));
        let (resets, reset_seen) = watch::channel(0);
        tasks.spawn(run(name, work, store, head, stop, state, turn.clone(), reset_seen));
        Ok(Self { state: receiver, turn, resets })
    }

    pub(super) fn position(&self) -> Seq {
        self.state.borrow().position
    }

    /// Waits until `position` is reached, or the follower is in trouble (it will catch up by itself later).
    pub(super) async fn reach(&self, position: Seq) {
        let _ = self.state.clone().wait_for(|s| s.position >= position || !s.healthy).await;
    }

    /// Waits until `position` is reached, however long it takes.
    pub(super) async fn wait(&self, position: Seq) {
        let _ = self.state.clone().wait_for(|s| s.position >= position).await;
    }

    /// Runs `clear` between two pieces of work; the follower then starts from the checkpoint it finds.
    pub(super) async fn reset<F: Future<Output = Result<()>>>(&self, clear: impl FnOnce() -> F) -> Result<()> {
        let mut turn = self.turn.lock().await;
        clear().await?;
        *turn += 1;
        let generation = *turn;
        drop(turn);
        let _ = self.resets.send(generation);
        // Not before the follower has seen the reset may a caller wait for a position.
        let _ = self.state.clone().changed().await;
        Ok(())
    }
}

#[allow(clippy::too_many_arguments, reason = "the parts of one task, spawned in one place")]
async fn run(
    name: &'static str,
    mut work: impl Work,
    store: Arc<dyn EventStore>,
    mut head: watch::Receiver<Seq>,
    mut stop: watch::Receiver<bool>,
    state: watch::Sender<State>,
    turn: Arc<Mutex<u64>>,
    mut resets: watch::Receiver<u64>,
) {
    let mut generation = 0;
    let mut position = state.borrow().position;
    while !*stop.borrow() {
        let step = async {
            let guard = turn.lock().await;
            if *guard != generation {
                generation = *guard;
                position = work.checkpoint().await?;
                state.send_replace(State { position, healthy: true });
            }
            let events = store.read(position, BATCH).await?;
            let Some(last) = events.last().map(|(seq, _)| *seq) else { return Ok::<bool, Error>(false) };
            let idle = last >= *head.borrow();
            work.work(events, idle).await?;
            position = last;
            state.send_replace(State { position, healthy: true });
            drop(guard);
            Ok(true)
        };
        match step.await {
            Ok(true) => {}
            Ok(false) => {
                tokio::select! {
                    changed = head.changed() => if changed.is_err() { return },
                    _ = resets.changed() => {}
                    _ = stop.wait_for(|s| *s) => return,
                }
            }
            Err(e) => {
                tracing::error!(follower = name, error = ?e, "cannot work, trying again");
                state.send_replace(State { position, healthy: false });
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    _ = stop.wait_for(|s| *s) => return,
                }
            }
        }
    }
}

/// Projects events into the graph.
pub(super) struct Project {
    pub(super) graph: Arc<dyn GraphStore>,
}

#[async_trait]
impl Work for Project {
    async fn checkpoint(&self) -> Result<Seq> {
        self.graph.checkpoint().await
    }

    async fn work(&mut self, events: Vec<(Seq, Arc<Event>)>, _idle: bool) -> Result<()> {
        let Some(upto) = events.last().map(|(s, _)| *s) else { return Ok(()) };
        let batch = tokio::task::spawn_blocking(move || project::project(events.iter().map(|(_, e)| &**e))).await?;
        self.graph.upsert(batch, upto).await
    }
}

/// Matches events with the rules.
pub(super) struct Detect {
    catalog: Arc<dyn Catalog>,
    rules: Arc<RwLock<Arc<RuleSet>>>,
    live: broadcast::Sender<Arc<StoredHit>>,
    written: Instant,
}

impl Detect {
    pub(super) fn new(
        catalog: Arc<dyn Catalog>,
        rules: Arc<RwLock<Arc<RuleSet>>>,
        live: broadcast::Sender<Arc<StoredHit>>,
    ) -> Self {
        Self { catalog, rules, live, written: Instant::now() }
    }
}

#[async_trait]
impl Work for Detect {
    async fn checkpoint(&self) -> Result<Seq> {
        self.catalog.detect_checkpoint().await
    }

    async fn work(&mut self, events: Vec<(Seq, Arc<Event>)>, idle: bool) -> Result<()> {
        let Some(upto) = events.last().map(|(s, _)| *s) else { return Ok(()) };
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner).clone();
        let hits = tokio::task::spawn_blocking(move || find_hits(&rules, &events)).await?;
        if hits.is_empty() && !idle && self.written.elapsed() < CHECKPOINT_EVERY {
            return Ok(());
        }
        for hit in self.catalog.put_hits(hits, upto).await? {
            // No receiver is no error: nobody watches.
            let _ = self.live.send(Arc::new(hit));
        }
        self.written = Instant::now();
        Ok(())
    }
}

fn find_hits(rules: &RuleSet, events: &[(Seq, Arc<Event>)]) -> Vec<Hit> {
    let found = Time::now();
    let mut hits = Vec::new();
    for (_, event) in events {
        for m in rules.matches(event) {
            hits.push(Hit {
                id: Hit::id(&m.rule_id, &m.version, event.id),
                rule_id: m.rule_id.to_string(),
                rule_version: m.version.to_string(),
                rule_title: m.title.to_string(),
                level: m.level.to_string(),
                event_id: event.id,
                time: event.time,
                host: event.host(),
                found,
                matched: m.values.iter().map(ToString::to_string).collect(),
            });
        }
    }
    hits
}
