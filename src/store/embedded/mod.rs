//! The embedded event store: a log in SQLite, which is the truth, and a tantivy index derived from it.
//!
//! ```text
//! append -> log (durable, idempotent) -> answer
//!            |-> recent events in memory -> followers
//!            '-> indexer thread -> index -> view -> searches
//! ```
mod bits;
mod codec;
mod indexer;
mod log;
mod matching;
mod numbers;
mod page;
mod recent;
mod schema;
mod terms;
mod values;
mod view;

use super::{
    Appended, Arrivals, Cursor, EventStore, HostCount, Interval, Order, Page, Query, Summary, TermOrder, Terms,
    Timeline, Values, ValuesQuery,
};
use crate::{
    checkup::Finding,
    error::{Code, Error, Result},
    event::{Condition, Event, EventId, Field, Period, Position, Scope},
};
use async_trait::async_trait;
use bits::Bits;
use indexer::{Indexer, Shared};
use log::Log;
use matching::{Cache, Matcher};
use schema::Fields;
use std::{
    fs::File,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::Semaphore;
use view::Segment;

/// Number of an event in the log: 1, 2, 3, … without gaps, in order of arrival; 0 is "before the first".
type Seq = u64;

/// The one part of the embedded log in a [`Position`].
pub const PART: &str = "log";

/// Events that may wait for the index before appends wait too.
const MAX_BEHIND: Seq = 100_000;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of documents that the index collects in memory before it writes a segment.
    pub index_heap: usize,
    /// Bytes of recent events kept for followers.
    pub recent_bytes: usize,
    /// Bytes of kept test results.
    pub match_cache_bytes: usize,
    /// Decoded blocks of the log that are kept.
    pub cached_blocks: usize,
    /// Longest time from an append to its being searchable, while the index keeps up.
    pub commit_after: Duration,
    /// Searches that run at a time; others wait.
    pub parallel_searches: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            index_heap: 120 << 20,
            recent_bytes: 64 << 20,
            match_cache_bytes: 64 << 20,
            cached_blocks: 64,
            commit_after: Duration::from_secs(1),
            // More would only keep each other, and everything else, waiting.
            parallel_searches: std::thread::available_parallelism().map_or(2, std::num::NonZero::get).max(2),
        }
    }
}

/// The event store of one machine, in one folder.
pub struct Tantivy {
    inner: Arc<Inner>,
    searches: Arc<Semaphore>,
    indexer: Mutex<Option<JoinHandle<()>>>,
    /// Keeps other processes out of the folder.
    _lock: File,
}

struct Inner {
    log: Arc<Log>,
    fields: Arc<Fields>,
    cache: Cache,
    shared: Arc<Shared>,
}

/// Folder of the search index in that of the store.
const INDEX: &str = "index";

/// Takes the folder for this process as long as the file is held.
fn lock(dir: &Path) -> Result<File> {
    std::fs::create_dir_all(dir)?;
    let lock = File::create(dir.join("events.lock"))?;
    lock.try_lock().map_err(|e| match e {
        std::fs::TryLockError::WouldBlock => {
            Error::new(Code::Conflict, format!("the event store in {} is open in another process", dir.display()))
        }
        std::fs::TryLockError::Error(e) => e.into(),
    })?;
    Ok(lock)
}

impl Tantivy {
    /// Opens the store in `dir`, which is made if it is not there. Needs no runtime.
    ///
    /// # Errors
    /// `CONFLICT` when another process has the folder open, or a newer version of the program wrote it.
    pub fn open(dir: &Path, settings: Settings) -> Result<Arc<Self>> {
        let lock = lock(dir)?;
        let log = Arc::new(Log::open(&dir.join("events.db"), settings.recent_bytes, settings.cached_blocks)?);
        let fields = Arc::new(Fields::new());
        let shared = Arc::new(Shared::new());
        let indexer = Indexer {
            dir: dir.join(INDEX),
            heap: settings.index_heap,
            commit_after: settings.commit_after,
            fields: fields.clone(),
            log: log.clone(),
            shared: shared.clone(),
        };
        let session = indexer.open()?;
        let thread = std::thread::Builder::new().name("event-index".into()).spawn(move || indexer.run(session))?;
        let inner = Arc::new(Inner { log, fields, cache: Cache::new(settings.match_cache_bytes), shared });
        Ok(Arc::new(Self {
            inner,
            searches: Arc::new(Semaphore::new(settings.parallel_searches.max(1))),
            indexer: Mutex::new(Some(thread)),
            _lock: lock,
        }))
    }

    /// Removes the search index in `dir`; the next [`Self::open`] makes it anew from the event log.
    ///
    /// # Errors
    /// `CONFLICT` when a process has the folder open.
    pub fn drop_index(dir: &Path) -> Result<()> {
        let _lock = lock(dir)?;
        let index = dir.join(INDEX);
        if index.exists() {
            std::fs::remove_dir_all(index)?;
        }
        Ok(())
    }

    /// Runs work that reads files or computes, off the async threads. It ends early when nobody waits any more.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Search<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        let permit = self.searches.clone().acquire_owned().await.map_err(Error::internal)?;
        let inner = self.inner.clone();
        let waiting = Waiting::default();
        let given_up = waiting.0.clone();
        tokio::task::spawn_blocking(move || {
            let out = work(&Search { inner: &inner, given_up: &given_up });
            drop(permit);
            out
        })
        .await?
    }
}

impl Drop for Tantivy {
    fn drop(&mut self) {
        self.inner.log.close();
        self.inner.shared.demand.send_modify(|d| d.stop = true);
        if let Some(thread) = self.indexer.lock().unwrap_or_else(PoisonError::into_inner).take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the search index ended by a panic");
        }
    }
}

/// Held by who waits for a search; its drop tells the search so.
#[derive(Default)]
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One search at work.
struct Search<'a> {
    inner: &'a Inner,
    given_up: &'a AtomicBool,
}

impl std::ops::Deref for Search<'_> {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        self.inner
    }
}

impl Search<'_> {
    fn matcher(&self) -> Matcher<'_> {
        Matcher { fields: &self.fields, log: &self.log, cache: &self.cache, given_up: self.given_up }
    }

    /// The matching documents of every segment.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the index does not move: numbers without the newest events would look exact.
    fn matches(&self, scope: &Scope, query: &Query) -> Result<Vec<(Arc<Segment>, Bits)>> {
        indexer::check(&self.shared, self.log.head())?;
        let matcher = self.matcher();
        let view = self.shared.view();
        view.segments.iter().map(|s| Ok((s.clone(), matcher.query(s, scope, query)?))).collect()
    }
}

#[async_trait]
impl EventStore for Tantivy {
    async fn checkup(&self) -> Vec<Finding> {
        let looked = self.run(|s| s.log.checkup()).await;
        let log = looked.unwrap_or_else(|e| Finding::failed("event log", &e));
        vec![log, self.inner.shared.checkup(self.inner.log.head())]
    }

    async fn append(&self, events: Vec<Event>) -> Result<Appended> {
        let head = self.inner.log.head();
        indexer::wait(&self.inner.shared, |p| p.indexed + MAX_BEHIND >= head).await?;
        self.inner.log.append(events).await
    }

    async fn read(&self, after: &Position, max: usize) -> Result<Arrivals> {
        let after = after.of(PART);
        let read = match self.inner.log.recent(after, max) {
            Some(recent) => recent,
            None => self.run(move |s| s.log.read(after, max)).await?,
        };
        let next = read.last().map_or(after, |(seq, _)| *seq);
        let more = next < self.inner.log.head();
        Ok(Arrivals { events: read.into_iter().map(|(_, e)| e).collect(), next: Position::at(PART, next), more })
    }

    async fn head(&self) -> Result<Position> {
        Ok(Position::at(PART, self.inner.log.head()))
    }

    async fn refresh(&self) -> Result<()> {
        let head = self.inner.log.head();
        self.inner.shared.demand.send_modify(|d| d.searchable = d.searchable.max(head));
        indexer::wait(&self.inner.shared, |p| p.searchable >= head).await
    }

    async fn search(
        &self,
        scope: &Scope,
        query: &Query,
        order: Order,
        after: Option<Cursor>,
        first: usize,
    ) -> Result<Page> {
        let (scope, query) = (scope.clone(), query.clone());
        self.run(move |s| {
            let (seqs, more) = page::page(&s.matcher(), s.matches(&scope, &query)?, order, after, first)?;
            Ok(Page { events: s.log.at(&seqs)?, more })
        })
        .await
    }

    async fn count(&self, scope: &Scope, query: &Query) -> Result<u64> {
        let (scope, query) = (scope.clone(), query.clone());
        self.run(move |s| Ok(s.matches(&scope, &query)?.iter().map(|(_, bits)| bits.count()).sum())).await
    }

    async fn summary(&self, scope: &Scope, query: &Query, interval: Interval) -> Result<Summary> {
        let (scope, query) = (scope.clone(), query.clone());
        self.run(move |s| numbers::summary(&s.matches(&scope, &query)?, interval)).await
    }

    async fn terms(&self, scope: &Scope, query: &Query, field: Field, order: TermOrder, first: usize) -> Result<Terms> {
        let (scope, query) = (scope.clone(), query.clone());
        self.run(move |s| terms::terms(&s.matcher(), &s.matches(&scope, &query)?, field, order, first)).await
    }

    async fn values(&self, scope: &Scope, query: &Query, ask: &ValuesQuery) -> Result<Values> {
        let (scope, query, ask) = (scope.clone(), query.clone(), ask.clone());
        self.run(move |s| {
            let (matcher, view) = (s.matcher(), s.shared.view());
            let part = |segment: &Arc<Segment>| {
                let bits = matcher.query(segment, &scope, &query)?;
                let baseline = ask.baseline.as_ref().map(|b| matcher.query(segment, &scope, b)).transpose()?;
                let baseline = baseline.unwrap_or_else(|| Bits::empty(segment.docs));
                Ok(values::Part { segment: segment.clone(), bits, baseline })
            };
            let parts = view.segments.iter().map(part).collect::<Result<Vec<_>>>()?;
            values::values(&matcher, &parts, &ask)
        })
        .await
    }

    async fn latest(&self, scope: &Scope, query: &Query, hosts: &[String]) -> Result<Vec<Option<Arc<Event>>>> {
        let (scope, query, hosts) = (scope.clone(), query.clone(), hosts.to_vec());
        self.run(move |s| {
            let positions = numbers::latest(&s.matches(&scope, &query)?, &hosts);
            s.log.at_each(positions)
        })
        .await
    }

    async fn events(&self, scope: &Scope, ids: &[EventId]) -> Result<Vec<Option<Arc<Event>>>> {
        let (scope, ids) = (scope.clone(), ids.to_vec());
        self.run(move |s| {
            let positions = s.log.positions(&ids)?;
            let found = s.log.at_each(positions)?;
            Ok(found.into_iter().map(|e| e.filter(|e| scope.allows(&e.host()))).collect())
        })
        .await
    }

    async fn hosts(&self, scope: &Scope, period: Period, after: Option<&str>, first: usize) -> Result<Vec<HostCount>> {
        let (scope, after) = (scope.clone(), after.map(str::to_owned));
        let query = Query { condition: Condition::All, period };
        self.run(move |s| Ok(numbers::hosts(&s.matches(&scope, &query)?, after.as_deref(), first))).await
    }

    async fn timeline(&self, scope: &Scope, query: &Query, interval: Interval) -> Result<Timeline> {
        let (scope, query) = (scope.clone(), query.clone());
        self.run(move |s| numbers::timeline(&s.matches(&scope, &query)?, interval)).await
    }
}
