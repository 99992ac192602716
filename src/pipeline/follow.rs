//! Followers: read the stored log in order from a checkpoint, do their work, move the checkpoint with it.
use super::{
    MAX_LAG,
    lease::{Held, Lease, RENEW},
};
use crate::{
    catalog::Catalog,
    error::{Error, Result},
    event::{Fence, Position},
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
    /// Where to go on; with the fence of who does so from now on.
    async fn checkpoint(&mut self, takes_over: Option<Fence>) -> Result<Position>;
    /// Must be idempotent: after a crash a piece may come again. A piece without events moves the checkpoint only.
    async fn work(&mut self, piece: Arrivals, fence: Fence) -> Result<()>;
    /// Does a piece of other work after each turn. `true` when there is more to do.
    async fn aside(&mut self, _: Fence) -> Result<bool> {
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
    /// Whether it has been near the head since it last went back: only then appends wait for it.
    near: bool,
    /// Resets that were seen.
    generation: u64,
}

/// The log as a process knows it.
#[derive(Clone)]
pub(super) struct Heads {
    /// Behind everything that there is.
    pub(super) all: watch::Receiver<Position>,
    /// Behind what comes by [`EventStore::append`].
    pub(super) own: watch::Receiver<Position>,
}

impl Heads {
    /// Entries of ours that a reader at `at` has not read. What is gone from the log nobody needs to read.
    fn lag(&self, at: &Position) -> u64 {
        let own = self.own.borrow().clone();
        own.only(&self.all.borrow()).lag(at)
    }
}

/// Handle of a running follower.
pub(super) struct Follower {
    state: watch::Receiver<State>,
    heads: Heads,
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
        heads: Heads,
        stop: watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self> {
        let position = work.checkpoint(None).await?;
        let near = heads.lag(&position) <= MAX_LAG;
        let (state, receiver) =
            watch::channel(State { position: position.clone(), healthy: true, near, generation: 0 });
        let turn = Arc::new(Mutex::new(0));
        let (resets, reset_seen) = watch::channel(0);
        let follower = Self { state: receiver, heads: heads.clone(), turn: turn.clone(), resets, lease: lease.clone() };
        tasks.spawn(run(lease, work, store, heads, stop, position, state, turn, reset_seen));
        Ok(follower)
    }

    pub(super) fn position(&self) -> Position {
        self.state.borrow().position.clone()
    }

    /// Waits while the follower is far behind what was appended here since it was last near the head. Not for one that
    /// is in trouble, reads everything anew, or what others have stored: it will catch up by itself later.
    pub(super) async fn approach(&self) {
        let may_go_on = |s: &State| !s.near || !s.healthy || self.heads.lag(&s.position) <= MAX_LAG;
        let _ = self.state.clone().wait_for(may_go_on).await;
    }

    /// Waits until `position` is reached, however long it takes, or gone from the log.
    pub(super) async fn wait(&self, position: &Position) {
        let reached = |s: &State| s.position.reaches(&position.only(&self.heads.all.borrow()));
        let _ = self.state.clone().wait_for(reached).await;
    }

    /// Runs `clear` between two pieces of work; the follower then starts from the checkpoint it finds. It does so whatever
    /// comes of `clear`, which has perhaps done a part of its work, and `clear` goes on when nobody waits for it any more.
    pub(super) async fn reset<F>(&self, clear: impl FnOnce(Fence) -> F + Send + 'static) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (turn, resets, lease) = (self.turn.clone(), self.resets.clone(), self.lease.clone());
        let clearing = tokio::spawn(async move {
            let mut turn = turn.lock_owned().await;
            let done = lease.alone(clear).await;
            *turn += 1;
            let generation = *turn;
            drop(turn);
            let _ = resets.send(generation);
            done.map(|()| generation)
        });
        let generation = clearing.await??;
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
    mut heads: Heads,
    mut stop: watch::Receiver<bool>,
    mut position: Position,
    state: watch::Sender<State>,
    turn: Arc<Mutex<u64>>,
    mut resets: watch::Receiver<u64>,
) {
    let mut generation = 0;
    // The checkpoint must be read before anything is done: also where reading it has failed.
    let mut stale = false;
    let mut near = state.borrow().near;
    while !*stop.borrow() {
        let step = async {
            let guard = turn.lock().await;
            let held = lease.hold().await?;
            stale |= *guard != generation || held != Held::Kept;
            if stale {
                let takes_over = (held != Held::Elsewhere).then(|| lease.fence());
                let found = work.checkpoint(takes_over).await?;
                near = heads.lag(&found) <= MAX_LAG || (near && found.reaches(&position));
                (position, generation, stale) = (found, *guard, false);
                state.send_replace(State { position: position.clone(), healthy: true, near, generation });
            }
            if held != Held::Kept {
                work.look_on().await?;
            }
            if held == Held::Elsewhere {
                return Ok(Step::Elsewhere);
            }
            let seen = heads.all.borrow_and_update().clone();
            let fence = lease.fence();
            let read = async {
                let piece = store.read(&position, BATCH).await?;
                let (next, more) = (piece.next.clone(), piece.more);
                if next != position {
                    work.work(piece, fence).await?;
                }
                Ok::<_, Error>((next, more))
            };
            let (next, more) = lease.keep(read).await?;
            position = next;
            let mut reached = position.clone();
            if !more {
                // Also what is gone from the log since: nothing is left to wait for.
                reached.merge(&seen);
            }
            near |= heads.lag(&reached) <= MAX_LAG;
            state.send_replace(State { position: reached, healthy: true, near, generation });
            let aside = lease.keep(work.aside(fence)).await?;
            drop(guard);
            Ok::<Step, Error>(if more || aside { Step::More } else { Step::Done })
        };
        match step.await {
            Ok(Step::More) => {}
            Ok(Step::Done) => {
                tokio::select! {
                    changed = heads.all.changed() => if changed.is_err() { break },
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
    async fn checkpoint(&mut self, takes_over: Option<Fence>) -> Result<Position> {
        match takes_over {
            Some(fence) => self.graph.take_over(fence).await,
            None => self.graph.checkpoint().await,
        }
    }

    async fn work(&mut self, Arrivals { events, next, .. }: Arrivals, fence: Fence) -> Result<()> {
        let batch = tokio::task::spawn_blocking(move || project::project(events.iter().map(|e| &**e))).await?;
        self.graph.upsert(batch, &next, fence).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalog::embedded::Sqlite, error::Code, store::embedded::Tantivy};
    use std::sync::{Mutex as Lock, PoisonError};

    /// What a follower has done: the checkpoint, and how many events came to it.
    #[derive(Clone, Default)]
    struct Done(Arc<Lock<(Position, usize)>>);

    impl Done {
        fn with<T>(&self, f: impl FnOnce(&mut (Position, usize)) -> T) -> T {
            f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
        fn forget(&self) {
            self.with(|done| done.0 = Position::default());
        }
        async fn until(&self, events: usize) {
            let there = async {
                while self.with(|done| done.1) < events {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), there).await.unwrap();
        }
    }

    #[async_trait]
    impl Work for Done {
        async fn checkpoint(&mut self, _: Option<Fence>) -> Result<Position> {
            Ok(self.with(|done| done.0.clone()))
        }
        async fn work(&mut self, piece: Arrivals, _: Fence) -> Result<()> {
            self.with(|done| *done = (piece.next, done.1 + piece.events.len()));
            Ok(())
        }
    }

    struct Log {
        store: Arc<Tantivy>,
        all: watch::Sender<Position>,
        own: watch::Sender<Position>,
        stop: watch::Sender<bool>,
        tasks: JoinSet<()>,
        folder: tempfile::TempDir,
    }

    impl Log {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Tantivy::open(folder.path(), crate::store::embedded::Settings::default()).unwrap();
            let (all, own, stop) = (watch::Sender::default(), watch::Sender::default(), watch::Sender::default());
            Self { store, all, own, stop, tasks: JoinSet::new(), folder }
        }

        async fn follow(&mut self, lease: Lease, work: Done) -> Follower {
            let heads = Heads { all: self.all.subscribe(), own: self.own.subscribe() };
            let stop = self.stop.subscribe();
            Follower::start(lease, work, self.store.clone(), heads, stop, &mut self.tasks).await.unwrap()
        }

        fn heads(&self, all: &[(&str, u64)], own: &[(&str, u64)]) {
            let position = |parts: &[(&str, u64)]| parts.iter().map(|(p, n)| (Arc::from(*p), *n)).collect();
            self.own.send_replace(position(own));
            self.all.send_replace(position(all));
        }
    }

    #[tokio::test]
    async fn a_clear_that_fails_or_is_left_alone_has_happened_all_the_same() {
        let mut log = Log::new();
        let event = |n: u32| {
            let document = serde_json::json!({ "winlog": {
                "provider_name": "Microsoft-Windows-Sysmon", "channel": "Microsoft-Windows-Sysmon/Operational",
                "event_id": "1", "computer_name": "a", "record_id": n.to_string(),
                "event_data": { "UtcTime": format!("2021-10-01 10:00:0{n}.000"), "Image": r"C:\x.exe" },
            } });
            crate::ingest::document(&document.to_string()).unwrap().unwrap()
        };
        let head = log.store.append((0..3).map(event).collect()).await.unwrap().head;
        log.all.send_replace(head.clone());
        let done = Done::default();
        let follower = log.follow(Lease::new(None, "test", "me".into()), done.clone()).await;
        follower.wait(&head).await;
        done.until(3).await;

        let clearing = done.clone();
        let fails = async move {
            clearing.forget();
            Err(Error::new(Code::Unavailable, "away"))
        };
        assert!(follower.reset(|_| fails).await.is_err());
        done.until(6).await;

        let clearing = done.clone();
        let long = async move {
            clearing.forget();
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(())
        };
        assert!(tokio::time::timeout(Duration::from_millis(50), follower.reset(|_| long)).await.is_err());
        done.until(9).await;
        follower.wait(&head).await;
        assert_eq!(done.with(|done| done.clone()), (head, 9));
    }

    #[tokio::test]
    async fn a_lease_is_kept_while_a_piece_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Sqlite::open(&folder.path().join("catalog.db")).unwrap();
        let mut lease = Lease::new(Some(catalog.clone()), "test", "me".into());
        lease.hold().await.unwrap();
        catalog.lease("test", "me", Duration::from_millis(1), false).await.unwrap().unwrap();
        let other = async || catalog.lease("test", "another", Duration::from_secs(60), false).await.unwrap();
        let taken = lease
            .keep(async {
                tokio::time::sleep(RENEW + Duration::from_secs(1)).await;
                other().await
            })
            .await;
        assert_eq!(taken, None, "the owner has said that he works");
        assert_eq!(lease.hold().await.unwrap(), Held::Kept);
        lease.release().await;
        assert!(other().await.is_some());
    }

    #[tokio::test]
    async fn an_append_waits_only_for_what_was_appended() {
        let mut log = Log::new();
        let catalog = Sqlite::open(&log.folder.path().join("catalog.db")).unwrap();
        // Another process does the work.
        catalog.lease("test", "another", Duration::from_secs(60), false).await.unwrap().unwrap();
        let done = Done::default();
        let follower = log.follow(Lease::new(Some(catalog), "test", "me".into()), done.clone()).await;
        let waits = async || tokio::time::timeout(Duration::from_secs(1), follower.approach()).await.is_err();
        let far = MAX_LAG * 2;

        log.heads(&[("ours", 10), ("theirs", far)], &[("ours", 10)]);
        assert!(!waits().await, "for what others have stored");
        log.heads(&[("ours", far), ("theirs", far)], &[("ours", far)]);
        assert!(waits().await);
        log.heads(&[("theirs", far)], &[("ours", far)]);
        assert!(!waits().await, "for what is gone");
        log.heads(&[("ours", far)], &[("ours", far)]);
        assert!(waits().await);
        done.with(|done| done.0 = Position::at("ours", far));
        assert!(!waits().await);
        done.forget();
        tokio::time::sleep(LOOK_ON * 3).await;
        assert!(!waits().await, "for a follower that reads everything anew");
    }
}
