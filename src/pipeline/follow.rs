//! Followers: read the stored log in order from a checkpoint, do their work, move the checkpoint with it.
use super::lease::{Held, Lease, RENEW};
use crate::{
    catalog::Catalog,
    error::{Error, Result},
    event::Position,
    graph::{GraphStore, project},
    store::{Arrivals, EventStore},
};
use async_trait::async_trait;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};

/// Events that a follower works on at once.
const BATCH: usize = 2_000;
const RETRY: Duration = Duration::from_secs(1);
/// How often a process looks at what another one has done.
const LOOK_ON: Duration = Duration::from_millis(300);

/// What a follower does with a piece of the log.
#[async_trait]
pub(super) trait Work: Send + Sync + 'static {
    async fn checkpoint(&mut self) -> Result<Position>;
    /// Must be idempotent: after a crash a piece may come again. A piece without events moves the checkpoint only.
    async fn work(&mut self, piece: Arrivals) -> Result<()>;
    /// Does a piece of other work after each turn. `true` when there is more to do.
    async fn aside(&mut self) -> Result<bool> {
        Ok(false)
    }
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
        mut work: impl Work,
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
            let aside = work.aside().await?;
            drop(guard);
            Ok::<Step, Error>(if more || aside { Step::More } else { Step::Done })
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
    async fn checkpoint(&mut self) -> Result<Position> {
        self.graph.checkpoint().await
    }

    async fn work(&mut self, Arrivals { events, next, .. }: Arrivals) -> Result<()> {
        let batch = tokio::task::spawn_blocking(move || project::project(events.iter().map(|e| &**e))).await?;
        self.graph.upsert(batch, &next).await
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
