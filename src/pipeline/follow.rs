//! Followers: read the stored log in order from a checkpoint, do their work, move the checkpoint with it.
use super::{
    correlate,
    lease::{Held, Lease, RENEW},
};
use crate::{
    catalog::{Catalog, HitFilter, StoredHit},
    error::{Error, Result},
    event::{Event, Position, Scope, Time, detection::Hit},
    graph::{GraphStore, project},
    rules::{RuleSet, correlation::Seen},
    store::{Arrivals, EventStore},
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
/// How often a process looks at what another one has done.
const LOOK_ON: Duration = Duration::from_millis(300);
/// Hits of another process fetched at once.
const TOLD_AT_ONCE: usize = 1_000;
/// A checkpoint that moved over events without any hit is written at least this often.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// What a follower does with a piece of the log.
#[async_trait]
pub(super) trait Work: Send + Sync + 'static {
    async fn checkpoint(&self) -> Result<Position>;
    /// Must be idempotent: after a crash a piece may come again. A piece without events moves the checkpoint only.
    async fn work(&mut self, piece: Arrivals) -> Result<()>;
    /// Called now and then while another process does the work, and once when this process has taken it over.
    async fn look_on(&mut self) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug, Clone)]
struct State {
    position: Position,
    healthy: bool,
    /// Resets that were seen.
    generation: u64,
}

/// Handle of a running follower.
pub(super) struct Follower {
    state: watch::Receiver<State>,
    /// Held while a piece is worked on; taken by [`Follower::reset`]. Raised number: read the checkpoint anew.
    turn: Arc<Mutex<u64>>,
    resets: watch::Sender<u64>,
    lease: Lease,
}

impl Follower {
    pub(super) async fn start(
        lease: Lease,
        work: impl Work,
        store: Arc<dyn EventStore>,
        head: watch::Receiver<Position>,
        stop: watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self> {
        let position = work.checkpoint().await?;
        let (state, receiver) = watch::channel(State { position: position.clone(), healthy: true, generation: 0 });
        let turn = Arc::new(Mutex::new(0));
        let (resets, reset_seen) = watch::channel(0);
        tasks.spawn(run(lease.clone(), work, store, head, stop, position, state, turn.clone(), reset_seen));
        Ok(Self { state: receiver, turn, resets, lease })
    }

    pub(super) fn position(&self) -> Position {
        self.state.borrow().position.clone()
    }

    /// Waits while the follower is more than `lag` entries behind `head`, unless it is in trouble (it will catch up
    /// by itself later).
    pub(super) async fn approach(&self, head: &Position, lag: u64) {
        let _ = self.state.clone().wait_for(|s| head.lag(&s.position) <= lag || !s.healthy).await;
    }

    /// Waits until `position` is reached, however long it takes.
    pub(super) async fn wait(&self, position: &Position) {
        let _ = self.state.clone().wait_for(|s| s.position.reaches(position)).await;
    }

    /// Runs `clear` between two pieces of work; the follower then starts from the checkpoint it finds.
    pub(super) async fn reset<F: Future<Output = Result<()>>>(&self, clear: impl FnOnce() -> F) -> Result<()> {
        let mut turn = self.turn.lock().await;
        self.lease.alone(clear()).await?;
        *turn += 1;
        let generation = *turn;
        drop(turn);
        let _ = self.resets.send(generation);
        // Not before the follower has seen the reset may a caller wait for a position.
        let _ = self.state.clone().wait_for(|s| s.generation >= generation).await;
        Ok(())
    }
}

#[allow(clippy::too_many_arguments, reason = "the parts of one task, spawned in one place")]
async fn run(
    mut lease: Lease,
    mut work: impl Work,
    store: Arc<dyn EventStore>,
    mut head: watch::Receiver<Position>,
    mut stop: watch::Receiver<bool>,
    mut position: Position,
    state: watch::Sender<State>,
    turn: Arc<Mutex<u64>>,
    mut resets: watch::Receiver<u64>,
) {
    let mut generation = 0;
    while !*stop.borrow() {
        let step = async {
            let guard = turn.lock().await;
            let held = lease.hold().await?;
            if *guard != generation || held != Held::Kept {
                generation = *guard;
                position = work.checkpoint().await?;
                state.send_replace(State { position: position.clone(), healthy: true, generation });
            }
            if held != Held::Kept {
                work.look_on().await?;
            }
            if held == Held::Elsewhere {
                return Ok(Step::Elsewhere);
            }
            let seen = head.borrow_and_update().clone();
            let piece = store.read(&position, BATCH).await?;
            let (next, more) = (piece.next.clone(), piece.more);
            if next != position {
                work.work(piece).await?;
                position = next;
            }
            let mut reached = position.clone();
            if !more {
                // Also what is gone from the log since: nothing is left to wait for.
                reached.merge(&seen);
            }
            state.send_replace(State { position: reached, healthy: true, generation });
            drop(guard);
            Ok::<Step, Error>(if more { Step::More } else { Step::Done })
        };
        match step.await {
            Ok(Step::More) => {}
            Ok(Step::Done) => {
                tokio::select! {
                    changed = head.changed() => if changed.is_err() { break },
                    () = tokio::time::sleep(RENEW) => {}
                    _ = resets.changed() => {}
                    _ = stop.wait_for(|s| *s) => break,
                }
            }
            Ok(Step::Elsewhere) => {
                tokio::select! {
                    () = tokio::time::sleep(LOOK_ON) => {}
                    _ = resets.changed() => {}
                    _ = stop.wait_for(|s| *s) => break,
                }
            }
            Err(e) => {
                tracing::error!(follower = lease.name(), error = ?e, "cannot work, trying again");
                state.send_modify(|s| s.healthy = false);
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    _ = stop.wait_for(|s| *s) => break,
                }
            }
        }
    }
    lease.release().await;
}

/// What came of one turn.
enum Step {
    More,
    Done,
    Elsewhere,
}

/// Projects events into the graph.
pub(super) struct Project {
    pub(super) graph: Arc<dyn GraphStore>,
}

#[async_trait]
impl Work for Project {
    async fn checkpoint(&self) -> Result<Position> {
        self.graph.checkpoint().await
    }

    async fn work(&mut self, Arrivals { events, next, .. }: Arrivals) -> Result<()> {
        let batch = tokio::task::spawn_blocking(move || project::project(events.iter().map(|e| &**e))).await?;
        self.graph.upsert(batch, &next).await
    }
}

/// Matches events with the rules.
pub(super) struct Detect {
    catalog: Arc<dyn Catalog>,
    store: Arc<dyn EventStore>,
    rules: Arc<RwLock<Arc<RuleSet>>>,
    /// The rules of the last piece.
    used: Option<Arc<RuleSet>>,
    live: broadcast::Sender<Arc<StoredHit>>,
    alerts: watch::Sender<u64>,
    written: Instant,
    /// Number of the newest hit that subscribers of this process were told of.
    told: u64,
    /// Set while hits are being stored: after a failure some may be stored that nobody was told of.
    untold: bool,
}

impl Detect {
    /// # Errors
    /// When the catalog fails.
    pub(super) async fn new(
        catalog: Arc<dyn Catalog>,
        store: Arc<dyn EventStore>,
        rules: Arc<RwLock<Arc<RuleSet>>>,
        live: broadcast::Sender<Arc<StoredHit>>,
        alerts: watch::Sender<u64>,
    ) -> Result<Self> {
        let told = catalog.newest_hit().await?;
        Ok(Self { catalog, store, rules, used: None, live, alerts, written: Instant::now(), told, untold: false })
    }

    /// The rules as they are now. What was kept for correlations that are no more is forgotten.
    async fn rules(&mut self) -> Result<Arc<RuleSet>> {
        let now = self.rules.read().unwrap_or_else(PoisonError::into_inner).clone();
        if !self.used.as_ref().is_some_and(|used| Arc::ptr_eq(used, &now)) {
            let all = now.correlations().all().iter();
            let versions: Vec<_> = all.map(|c| (c.id.to_string(), c.version.to_string())).collect();
            self.catalog.retain_correlated(&versions).await?;
            self.used = Some(now.clone());
        }
        Ok(now)
    }

    fn tell(&mut self, hits: Vec<StoredHit>) {
        for hit in hits {
            self.told = self.told.max(hit.number);
            // No receiver is no error: nobody watches.
            let _ = self.live.send(Arc::new(hit));
        }
    }
}

#[async_trait]
impl Work for Detect {
    async fn checkpoint(&self) -> Result<Position> {
        self.catalog.detect_checkpoint().await
    }

    async fn work(&mut self, Arrivals { events, next, more }: Arrivals) -> Result<()> {
        let rules = self.rules().await?;
        let matching = rules.clone();
        let (hits, seen) = tokio::task::spawn_blocking(move || find_hits(&matching, &events)).await?;
        let found = correlate::correlate(&*self.catalog, &*self.store, &rules, hits, seen).await?;
        if found.is_empty() && more && self.written.elapsed() < CHECKPOINT_EVERY {
            return Ok(());
        }
        let changes = !found.hits.is_empty() || !found.withdrawn.is_empty();
        let failed = std::mem::replace(&mut self.untold, true);
        let hits = self.catalog.put_found(found, &next).await?;
        // Others may have stored hits in between.
        if failed || hits.first().is_some_and(|h| h.number != self.told + 1) {
            self.look_on().await?;
        } else {
            self.tell(hits);
        }
        self.untold = false;
        if changes {
            tell_alerts(&*self.catalog, &self.alerts).await?;
        }
        self.written = Instant::now();
        Ok(())
    }

    /// Tells the subscribers of this process what another has found.
    async fn look_on(&mut self) -> Result<()> {
        loop {
            let hits = self.catalog.hits_since(&Scope::All, &HitFilter::default(), self.told, TOLD_AT_ONCE).await?;
            let more = hits.len() == TOLD_AT_ONCE;
            self.tell(hits);
            if !more {
                return tell_alerts(&*self.catalog, &self.alerts).await;
            }
        }
    }
}

/// Raises the number of the newest change of an alert, for those who follow.
pub(super) async fn tell_alerts(catalog: &dyn Catalog, told: &watch::Sender<u64>) -> Result<()> {
    let newest = catalog.newest_alert_change().await?;
    told.send_if_modified(|n| {
        let grown = newest > *n;
        *n = newest.max(*n);
        grown
    });
    Ok(())
}

/// Hits of rules by themselves, and matches that correlations want.
fn find_hits(rules: &RuleSet, events: &[Arc<Event>]) -> (Vec<Hit>, Vec<Seen>) {
    let found = Time::now();
    let (mut hits, mut seen) = (Vec::new(), Vec::new());
    for event in events {
        let (matches, wanted) = rules.detect(event);
        seen.extend(wanted.into_iter().map(|rule_id| Seen { rule_id, event: event.clone() }));
        for m in matches {
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
    (hits, seen)
}
